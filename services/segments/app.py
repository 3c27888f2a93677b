"""The segments service as a diagram: one way in for events, one evaluation, two loops that keep audiences true."""

from services.segments.base import Base
from services.segments.imports.api import router as imports_router
from services.segments.imports.importing import OrdersImport
from services.segments.membership.api import router as membership_router
from services.segments.membership.applying import Evaluation
from services.segments.membership.auditing import Audit
from services.segments.membership.backfilling import Backfill
from services.segments.membership.defining import Segments
from services.segments.membership.handlers import RuleQuestions
from services.segments.membership.reading import Audiences
from services.segments.membership.rulebook import Rulebooks
from services.segments.membership.sweeping import Sweeper
from services.segments.profiles.api import router as profiles_router
from services.segments.profiles.reading import People
from services.segments.settings import SegmentsSettings
from services.segments.tracking.api import hot_routes
from services.segments.tracking.api import router as tracking_router
from services.segments.tracking.collecting import Collector
from services.segments.tracking.ingesting import Ingestion
from shared.clock import Clock
from shared.messaging import Bus
from shared.service import Kit, Loop, Service
from shared.web import create_app


def create_service(settings: SegmentsSettings, bus: Bus, clock: Clock) -> Service:
    """Build the whole service; nothing is opened before it runs."""
    kit = Kit.create("segments", settings, bus, clock, base=Base, migrations="services.segments.migrations")
    rulebooks = Rulebooks(settings.default_currency)
    evaluation = Evaluation(kit.outbox)
    sweeper = Sweeper(kit, rulebooks, evaluation, settings.sweep_chunk)
    evaluation.on_flip = sweeper.expect
    backfill = Backfill(kit, rulebooks, evaluation, settings.backfill_chunk)
    segments = Segments(kit, rulebooks, backfill, settings)
    ingestion = Ingestion(kit, rulebooks, evaluation, settings.ingest_max_requests)
    collector = Collector(ingestion, clock, settings.default_currency)
    app = create_app(
        kit,
        routers=[tracking_router, profiles_router, membership_router, imports_router],
        provides=[
            kit,
            People(kit),
            segments,
            Audiences(kit, rulebooks, segments),
            Audit(kit, rulebooks, sweeper),
            OrdersImport(ingestion, clock, settings.default_currency),
        ],
        hot_routes=hot_routes(collector),
        title="Quanyu segments 人群",
        description="Events in, people recognised, audiences kept up to date.",
    )
    return Service(
        kit,
        app,
        subscriptions=[RuleQuestions(kit, rulebooks, settings).subscription()],
        loops=[
            Loop("sweep", sweeper.tick, interval=5.0, wake=sweeper.wake),
            Loop("backfill", backfill.tick, interval=5.0, wake=backfill.wake),
        ],
        resources=[ingestion.group.running],
    )
