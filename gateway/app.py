"""The gateway as a whole: read it as a diagram of what stands behind the one public door."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from functools import partial

from pydantic_core import from_json

from gateway.audit import api as audit_api
from gateway.audit.recording import Auditor
from gateway.base import Base
from gateway.docs import api as docs_api
from gateway.docs.gathering import Documents
from gateway.docs.portal import Portal
from gateway.door import Door
from gateway.forwarding.asking import ask
from gateway.forwarding.embedded import AsgiForwarder
from gateway.forwarding.http import HttpForwarder
from gateway.forwarding.port import Forwarded, Forwarder, Headers
from gateway.keys import api as keys_api
from gateway.keys.managing import KeyManager
from gateway.keys.ring import KeyRing
from gateway.limits.guard import Guard
from gateway.limits.store import Limiter, MemoryLimiter, RedisLimiter
from gateway.routes import RouteTable
from gateway.settings import GatewaySettings
from gateway.webhooks_in import api as hooks_api
from gateway.webhooks_in.managing import SourceManager
from gateway.webhooks_in.receiving import HookReceiver
from gateway.webhooks_out import api as webhooks_api
from gateway.webhooks_out.dispatching import Dispatcher
from gateway.webhooks_out.fanning import Fanout
from gateway.webhooks_out.managing import WebhookManager
from shared.clock import Clock
from shared.http import EgressClient
from shared.messaging import Bus
from shared.service import Kit, Loop, Service
from shared.web import PartApp, Problem, create_app, sign_headers

PARTS = ("coupon", "segments", "journey", "inventory")


class Gateway(Service):
    """A service like the others, whose `app` is the public door. `admin` is the administrative API behind it."""

    admin: PartApp
    dispatcher: Dispatcher
    ring: KeyRing
    upstreams: Mapping[str, Forwarder]

    async def readiness(self) -> list[str]:
        """What keeps the suite from serving: the gateway's own troubles, and those of every part, by name."""
        own = await super().readiness()
        parts = await asyncio.gather(*(_readiness(name, forwarder) for name, forwarder in self.upstreams.items()))
        return own + [trouble for part in parts for trouble in part]


def create_gateway(
    settings: GatewaySettings,
    bus: Bus,
    clock: Clock,
    upstreams: Mapping[str, Forwarder],
    table: RouteTable | None = None,
) -> Gateway:
    """The gateway in front of `upstreams`, by part name. `table` is another route table, for tests."""
    kit = Kit.create("gateway", settings, bus, clock, base=Base, migrations="gateway.migrations")
    table = table or RouteTable()
    auditor = Auditor(clock)
    ring = KeyRing(kit.db, clock)
    keys = KeyManager(kit.db, clock, ring, auditor)
    local = MemoryLimiter(clock)
    redis_url = settings.redis_url
    limiter: Limiter = RedisLimiter(redis_url.get_secret_value(), clock) if redis_url else local
    guard = Guard(settings, limiter, local)
    egress = EgressClient(
        allow_private=settings.webhooks_allow_private,
        connect_seconds=settings.webhooks_connect_seconds,
        total_seconds=settings.webhooks_total_seconds,
    )
    dispatcher = Dispatcher(kit.db, clock, egress, auditor, settings)
    fanout = Fanout(clock, dispatcher.wake)
    webhooks = WebhookManager(kit.db, clock, egress, fanout, auditor)
    sources = SourceManager(kit.db, clock, auditor)
    hooks = HookReceiver(kit.db, clock, kit.outbox, guard, settings)

    admin = create_app(
        kit,
        routers=[keys_api.router, webhooks_api.router, hooks_api.router, docs_api.router, audit_api.router],
        provides=[keys, webhooks, sources, hooks, kit.db],
        title="Quanyu gateway",
    )
    documents = Documents({**upstreams, "gateway": AsgiForwarder(admin)}, table)
    door_upstreams = {**upstreams, "gateway": AsgiForwarder(Portal(admin, documents))}

    gateway = Gateway(
        kit,
        admin,
        subscriptions=[fanout.subscription()],
        loops=[
            Loop("webhooks", dispatcher.tick, 0.5, wake=dispatcher.wake),
            Loop("webhook-history", dispatcher.prune, 3600),
            Loop("hook-failures", hooks.note_failures, 10),
            Loop("hook-history", hooks.prune, 3600),
            Loop("key-uses", ring.note_uses, 60),
            Loop("key-changes", ring.hear, 1),
        ],
        resources=[
            partial(_closing, upstreams, limiter),
            dispatcher.running,
            hooks.group.running,
            partial(_administrator, keys, settings),
        ],
    )
    gateway.app = Door(settings, table, door_upstreams, ring, guard, admin.openapi)
    gateway.admin, gateway.dispatcher, gateway.ring, gateway.upstreams = admin, dispatcher, ring, dict(upstreams)
    return gateway


def http_upstreams(settings: GatewaySettings, clock: Clock) -> dict[str, Forwarder]:
    """Forwarders to the parts that settings tell the URL of (`QUANYU_COUPON_URL` …), for a gateway of its own."""
    secret = settings.internal_secret.get_secret_value()

    def sign(request: Forwarded) -> Headers:
        if request.caller is None:
            return []
        return sign_headers(request.caller, secret, clock.now(), request.method, request.raw_path)

    urls = {name: getattr(settings, f"{name}_url") for name in PARTS}
    return {
        name: HttpForwarder(
            name,
            url,
            sign,
            deadline_seconds=settings.upstream_seconds,
            most=settings.upstream_connections,
            most_waiting=settings.upstream_waiting,
            idle_seconds=settings.upstream_idle_seconds,
        )
        for name, url in urls.items()
        if url
    }


async def _readiness(name: str, forwarder: Forwarder) -> list[str]:
    try:
        status, body = await ask(forwarder, "/readyz")
    except (Problem, TimeoutError) as error:
        return [f"{name}: {error.detail if isinstance(error, Problem) else 'gives no answer in time'}"]
    if status == 200:
        return []
    try:
        return [str(check) for check in from_json(body)["checks"]] or [f"{name} is not ready"]
    except (ValueError, KeyError, TypeError):
        return [f"{name} is not ready: it answers {status}"]


@asynccontextmanager
async def _closing(upstreams: Mapping[str, Forwarder], limiter: Limiter) -> AsyncIterator[None]:
    try:
        yield
    finally:
        for forwarder in upstreams.values():
            await forwarder.aclose()
        await limiter.aclose()


@asynccontextmanager
async def _administrator(keys: KeyManager, settings: GatewaySettings) -> AsyncIterator[None]:
    await keys.ensure_admin_key(settings)
    yield
