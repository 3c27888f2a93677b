"""The room of runs in flight: who enters, what each step does, and what wakes a run."""

from dataclasses import dataclass
from datetime import timedelta

from services.journey.actions.room import ActionsRoom
from services.journey.customers.room import CustomersRoom
from services.journey.definition.room import DefinitionRoom
from services.journey.engine.advancing import Advancer
from services.journey.engine.enrolling import Enrolling
from services.journey.engine.handlers import EngineHandlers
from services.journey.engine.models import WaitRow
from services.journey.engine.recorder import Recorder
from services.journey.engine.sweeper import RunSweeper
from services.journey.engine.worker import CountWorker, TimerWorker
from services.journey.settings import JourneySettings
from services.journey.templates.room import TemplatesRoom
from shared.contracts import (
    CouponIssued,
    CouponIssueRefused,
    EventsTracked,
    RuleEvaluated,
    SegmentEntered,
    SegmentExited,
)
from shared.loops import Loop
from shared.messaging import Subscription
from shared.pruning import Pruner
from shared.room import Room
from shared.service import Kit

LATE_GOALS_KEPT = timedelta(days=1)


@dataclass(eq=False)
class EngineRoom(Room):
    """Offers `enrolling`, the one way into a journey."""

    kit: Kit
    settings: JourneySettings
    customers: CustomersRoom
    templates: TemplatesRoom
    definition: DefinitionRoom
    actions: ActionsRoom

    def __post_init__(self) -> None:
        kit, definitions = self.kit, self.definition.cache
        recorder = Recorder(kit.outbox, self.actions.questions, self.actions.messages)
        advancer = Advancer(self.settings, definitions, self.templates.cache, recorder)
        self.enrolling = Enrolling(kit.outbox, advancer)
        handlers = EngineHandlers(kit.clock, definitions, self.enrolling, advancer)
        self.subscriptions = [
            Subscription("journey.events", (EventsTracked,), handlers.on_events),
            Subscription("journey.segments", (SegmentEntered, SegmentExited), handlers.on_segment),
            Subscription("journey.coupons", (CouponIssued,), handlers.on_coupon_issued, handlers.asked_for),
            Subscription("journey.coupon_refusals", (CouponIssueRefused,), handlers.on_coupon_refused),
            Subscription("journey.rule_answers", (RuleEvaluated,), handlers.on_rule_evaluated),
        ]
        late = {WaitRow.c.expires_at: LATE_GOALS_KEPT}  # only goals have an end
        self.loops = [
            Loop("sweep runs", RunSweeper(kit, advancer).sweep, 1.0, wake=self.definition.status_changed),
            Loop("step due runs", TimerWorker(kit, self.settings, advancer).tick, 1.0, wake=advancer.wake),
            Loop("fold counts", CountWorker(kit).tick, 1.0),
            Loop("prune late goals", Pruner(kit.db, kit.clock, late).tick, 3600.0, timed=True),
        ]
