"""The room of the merchant's places."""

from services.inventory.locations.api import router
from services.inventory.locations.management import Locations
from shared.room import Room
from shared.service import Kit


class LocationsRoom(Room):
    """Offers `management`: which ids are locations."""

    def __init__(self, kit: Kit) -> None:
        self.management = Locations(kit)
        self.routers = [router]
        self.provides = [self.management]
