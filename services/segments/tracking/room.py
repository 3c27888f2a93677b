"""The room of tracking 埋点: the one way in for events."""

from dataclasses import dataclass

from services.segments.events.room import EventsRoom
from services.segments.membership.room import MembershipRoom
from services.segments.profiles.room import ProfilesRoom
from services.segments.settings import SegmentsSettings
from services.segments.tracking.api import hot_routes, router
from services.segments.tracking.collector import Collector
from services.segments.tracking.ingesting import Ingestion
from services.segments.tracking.queries import DeadLetters
from shared.room import Room
from shared.service import Kit


@dataclass(eq=False)
class TrackingRoom(Room):
    """Offers `ingestion`: events of whatever source are stored, evaluated and told in one transaction."""

    kit: Kit
    settings: SegmentsSettings
    profiles: ProfilesRoom
    events: EventsRoom
    membership: MembershipRoom

    def __post_init__(self) -> None:
        cache, evaluation = self.membership.cache, self.membership.evaluation
        self.ingestion = Ingestion(self.kit, cache, evaluation, self.settings.ingest_max_requests)
        self.routers = [router]
        self.hot_routes = hot_routes(Collector(self.ingestion, self.kit.clock, self.settings.default_currency))
        self.provides = [DeadLetters(self.kit)]
        self.resources = [self.ingestion.group.running]
