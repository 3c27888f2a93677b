"""How a location is shown."""

from services.inventory.locations.models import Location
from services.inventory.locations.schemas import Geo, LocationView


def location_view(row: Location) -> LocationView:
    """The stored row as clients see it."""
    return LocationView(
        id=row.id,
        name=row.name,
        kind=row.kind,
        geo=None if row.lat is None or row.lon is None else Geo(lat=row.lat, lon=row.lon),
        address=row.address,
        can_ship=row.can_ship,
        can_pickup=row.can_pickup,
        active=row.active,
        version=row.version,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )
