"""HTTP shapes of locations."""

from typing import Annotated, ClassVar

from pydantic import AfterValidator, Field, StringConstraints

from services.inventory.locations.models import Kind
from shared.web import Body, Instant, Name, Patch, View

LocationId = Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9][A-Za-z0-9._:-]*$")]
"""The merchant's own code of a place; plain characters, because it stands in paths and file names."""


def _no_nul(value: str) -> str:
    if "\x00" in value:
        raise ValueError("must not hold a NUL character")
    return value


Address = Annotated[str, StringConstraints(min_length=1, max_length=300), AfterValidator(_no_nul)]


class Geo(Body):
    """WGS 84, in degrees."""

    lat: float = Field(ge=-90, le=90, examples=[31.2304])
    lon: float = Field(ge=-180, le=180, examples=[121.4737])


class LocationIn(Body):
    """`id` is the merchant's own code; left out, one is made. `can_ship`: orders that name no location may be served from here
    (default true for warehouses and stores); `can_pickup`: customers may collect here 自提 (default true for stores).
    """

    id: LocationId | None = None
    name: Name
    kind: Kind
    geo: Geo | None = None
    address: Address | None = None
    can_ship: bool | None = None
    can_pickup: bool | None = None


class LocationPatch(Patch):
    """Only the fields given are changed; `geo` and `address` may be null to remove them. `active` false: nothing is reserved
    from here any more.
    """

    nullable: ClassVar[frozenset[str]] = frozenset(("geo", "address"))
    name: Name | None = None
    kind: Kind | None = None
    geo: Geo | None = None
    address: Address | None = None
    can_ship: bool | None = None
    can_pickup: bool | None = None
    active: bool | None = None


class LocationView(View):
    """A place that holds stock."""

    id: str
    name: str
    kind: Kind
    geo: Geo | None
    address: str | None
    can_ship: bool
    can_pickup: bool
    active: bool
    version: int
    created_at: Instant
    updated_at: Instant
