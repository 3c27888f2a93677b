"""The room of imports 历史导入."""

from dataclasses import dataclass

from services.segments.events.room import EventsRoom
from services.segments.imports.api import router
from services.segments.imports.importing import OrdersImport
from services.segments.settings import SegmentsSettings
from services.segments.tracking.room import TrackingRoom
from shared.room import Room
from shared.service import Kit


@dataclass(eq=False)
class ImportsRoom(Room):
    """Offers nothing: an order of the past becomes an event like any other."""

    kit: Kit
    settings: SegmentsSettings
    events: EventsRoom
    tracking: TrackingRoom

    def __post_init__(self) -> None:
        self.routers = [router]
        self.provides = [OrdersImport(self.tracking.ingestion, self.kit.clock, self.settings.default_currency)]
