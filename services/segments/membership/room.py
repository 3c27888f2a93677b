"""The room of segments and who is in them."""

from dataclasses import dataclass

from services.segments.events.room import EventsRoom
from services.segments.membership.api import router
from services.segments.membership.backfilling import Backfill
from services.segments.membership.cache import RuleCache
from services.segments.membership.evaluating import Evaluation
from services.segments.membership.handlers import RuleQuestions
from services.segments.membership.management import Segments
from services.segments.membership.queries import SegmentQueries
from services.segments.membership.sweeper import FlipSweeper
from services.segments.profiles.room import ProfilesRoom
from services.segments.settings import SegmentsSettings
from shared.contracts import RuleAsked
from shared.loops import Loop
from shared.messaging import Subscription
from shared.room import Room
from shared.service import Kit


@dataclass(eq=False)
class MembershipRoom(Room):
    """Offers `cache` (what is evaluated now), `evaluation` (what events and time change) and `sweeper` (what is due)."""

    kit: Kit
    settings: SegmentsSettings
    profiles: ProfilesRoom
    events: EventsRoom

    def __post_init__(self) -> None:
        kit, settings = self.kit, self.settings
        self.cache = RuleCache(settings.default_currency)
        self.evaluation = Evaluation(kit.outbox)
        self.sweeper = FlipSweeper(kit, self.cache, self.evaluation, settings.sweep_chunk)
        self.evaluation.on_flip = self.sweeper.expect
        backfill = Backfill(kit, self.cache, self.evaluation, settings.backfill_chunk)
        segments = Segments(kit, self.cache, backfill, settings)
        questions = RuleQuestions(kit, self.cache, settings)

        self.routers = [router]
        self.provides = [segments, SegmentQueries(kit, self.cache, segments)]
        self.subscriptions = [Subscription("segments.rule_language", (RuleAsked,), questions.on_asked)]
        self.loops = [
            Loop("flip memberships", self.sweeper.tick, interval=5.0, wake=self.sweeper.wake),
            Loop("backfill segments", backfill.tick, interval=5.0, wake=backfill.wake),
        ]
