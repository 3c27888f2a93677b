"""The journey service (旅程编排): how it is put together."""

from services.journey.actions.api import router as messages_api
from services.journey.actions.ledger import SendLedger
from services.journey.actions.messages import Messages
from services.journey.actions.questions import Questions
from services.journey.actions.webhooks import WebhookSender
from services.journey.audit.api import router as audit_api
from services.journey.audit.auditing import Auditor
from services.journey.base import Base
from services.journey.definition import handlers as copies
from services.journey.definition.api import router as journeys_api
from services.journey.definition.drawing import Drawing
from services.journey.definition.publishing import Publishing
from services.journey.definition.repository import Definitions
from services.journey.engine.advancing import Advancer
from services.journey.engine.api import router as runs_api
from services.journey.engine.dry_runs import DryRuns
from services.journey.engine.entering import Entering
from services.journey.engine.handlers import Handlers
from services.journey.engine.recording import Recorder
from services.journey.engine.runs import Runs
from services.journey.engine.timers import Timers
from services.journey.inbox.api import router as inbox_api
from services.journey.inbox.reading import Inbox
from services.journey.settings import JourneySettings
from services.journey.templates.api import router as templates_api
from services.journey.templates.library import Templates
from shared.clock import Clock
from shared.contracts import (
    CouponIssued,
    CouponIssueRefused,
    CouponTemplateChanged,
    EventsTracked,
    RuleEvaluated,
    SegmentChanged,
    SegmentEntered,
    SegmentExited,
)
from shared.http import EgressClient
from shared.messaging import Bus, Subscription
from shared.service import Kit, Loop, Service
from shared.web import create_app


def create_service(settings: JourneySettings, bus: Bus, clock: Clock) -> Service:
    """The whole service; nothing runs before `service.running()`."""
    kit = Kit.create("journey", settings, bus, clock, base=Base, migrations="services.journey.migrations")
    egress = EgressClient(allow_private=settings.webhooks_allow_private, total_seconds=settings.webhook_timeout_seconds)

    definitions, templates = Definitions(), Templates(kit, egress)
    webhooks = WebhookSender(kit, settings, egress)
    recorder = Recorder(kit.outbox, Questions(), Messages(webhooks.wake.set))
    advancer = Advancer(settings, definitions, templates, recorder)
    entering = Entering(kit.outbox, advancer)
    timers = Timers(kit, settings, advancer)
    handlers = Handlers(clock, definitions, entering, advancer)

    sweep = Loop("sweep", timers.sweep, interval=1.0)
    drawing = Drawing(kit)
    app = create_app(
        kit,
        routers=[journeys_api, runs_api, templates_api, messages_api, inbox_api, audit_api],
        provides=[
            drawing,
            Publishing(kit, settings, drawing, templates, sweep.wake.set),
            Runs(kit, drawing, definitions, entering),
            DryRuns(kit, drawing, definitions, templates),
            templates,
            SendLedger(kit),
            Inbox(kit),
            Auditor(kit, settings),
        ],
        description="Journeys: what happens to one customer, step by step, over hours and months.",
    )
    return Service(
        kit,
        app,
        subscriptions=[
            Subscription("journey.events", (EventsTracked,), handlers.on_events),
            Subscription("journey.segments", (SegmentEntered, SegmentExited), handlers.on_segment),
            Subscription("journey.coupons", (CouponIssued,), handlers.on_coupon_issued, handlers.asked_for),
            Subscription("journey.coupon_refusals", (CouponIssueRefused,), handlers.on_coupon_refused),
            Subscription("journey.rule_answers", (RuleEvaluated,), handlers.on_rule_evaluated),
            Subscription("journey.known_templates", (CouponTemplateChanged,), copies.on_template),
            Subscription("journey.known_segments", (SegmentChanged,), copies.on_segment),
        ],
        loops=[
            sweep,
            Loop("timers", timers.tick, interval=1.0, wake=advancer.wake),
            Loop("webhooks", webhooks.tick, interval=1.0, wake=webhooks.wake),
        ],
        resources=[lambda: egress],
    )
