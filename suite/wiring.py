"""The architecture diagram in code: which parts there are, and how they are put together.

    embedded   one process:   gateway ──ASGI──> coupon, segments, journey, inventory      all ──> one bus
    single     one part:      gateway ──HTTP──> services, each a process of its own       all ──> RabbitMQ

The bus is local (a database file) unless a broker is given. The services are built by the same functions in every
arrangement, with the settings that the environment and the flags give.
"""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from shared import private_files
from shared.clock import Clock, SystemClock
from shared.db import Database
from shared.language import say
from shared.messaging import Bus, LocalBus
from shared.readiness import Standing
from shared.service import Service
from shared.settings import CONNECTIONS_OF_A_PART, ServiceSettings
from shared.web.health import HealthApp
from suite.budget import Pool, Wish, divide
from suite.errors import Stop
from suite.obstacles import alone, see_the_database, see_the_secret, telling
from suite.parts import PARTS, SERVICES
from suite.settings import SuiteSettings, load

if TYPE_CHECKING:
    from gateway.app import Gateway

Create = Callable[[Any, Bus, Clock], Service]
Flags = Mapping[str, Any]
"""Settings given on the command line; they go before the environment."""


def settings_of(name: str, flags: Flags) -> ServiceSettings:
    """The settings of a part, with these flags."""
    if name in SERVICES:
        return load(service(name)[1], flags)
    from gateway.settings import GatewaySettings

    return load(GatewaySettings, flags)


def pools_of(names: tuple[str, ...], settings: SuiteSettings, flags: Flags) -> dict[str, Pool]:
    """The connections of a process that runs these parts, the local bus's too where they have one. Raises Stop."""
    parts = {name: settings_of(name, flags) for name in names}
    wishes = {name: Wish(one.resolved_database_url(), one.database_connections) for name, one in parts.items()}
    if settings.broker_url is None and settings.role.works:
        wishes["bus"] = Wish(settings.resolved_database_url("bus"), None)
    return divide(settings.database_connections, wishes, settings.role)


def service(name: str) -> tuple[Create, type[ServiceSettings]]:
    """What builds a service, and its settings. Imported when asked for: a process of one part need not load the others."""
    match name:
        case "coupon":
            from services.coupon.app import create_service as coupon
            from services.coupon.settings import CouponSettings

            return coupon, CouponSettings
        case "segments":
            from services.segments.app import create_service as segments
            from services.segments.settings import SegmentsSettings

            return segments, SegmentsSettings
        case "journey":
            from services.journey.app import create_service as journey
            from services.journey.settings import JourneySettings

            return journey, JourneySettings
        case "inventory":
            from services.inventory.app import create_service as inventory
            from services.inventory.settings import InventorySettings

            return inventory, InventorySettings
    raise LookupError(name)


@dataclass(frozen=True)
class Running:
    """What is served: `app` on the socket, and the parts behind it. `health` tells how all of this process is.

    `proxies`: networks in front of the public door. None for a service alone, where nobody but the gateway calls.
    """

    app: Any
    parts: tuple[Service, ...]
    health: HealthApp
    proxies: tuple[str, ...] | None = None

    def drain(self) -> None:
        """Every part stops being ready; requests at work may finish."""
        for part in self.parts:
            part.drain()


@asynccontextmanager
async def embedded(settings: SuiteSettings, flags: Flags) -> AsyncIterator[Running]:
    """The whole suite in this process."""
    from gateway.app import create_gateway
    from gateway.forwarding.embedded import AsgiForwarder
    from gateway.settings import GatewaySettings

    async with AsyncExitStack() as stack:
        if settings.broker_url is None:
            with telling("bus", settings):
                stack.enter_context(alone(settings.data_dir, settings.role))
        pools = pools_of(PARTS, settings, flags)
        own = {name: {**flags, **_size(pools, name)} for name in PARTS}
        bus = await stack.enter_async_context(open_bus(settings, pools))
        services = [build(name, own[name], bus) for name in SERVICES]
        upstreams = {one.name: AsgiForwarder(one.app) for one in services}
        gateway = create_gateway(load(GatewaySettings, own["gateway"]), bus, SystemClock(), upstreams)
        yield await _enter(stack, gateway, (*services, gateway))


@asynccontextmanager
async def single(name: str, settings: SuiteSettings, flags: Flags) -> AsyncIterator[Running]:
    """One part alone. Raises Stop without a broker: the parts could not hear each other."""
    if settings.broker_url is None:
        raise Stop(
            say(
                f"{name} alone needs RabbitMQ to meet the other parts: set QUANYU_BROKER_URL (amqp://user:password@host/), "
                "or start everything in one process with `quanyu serve`.",
                f"单独运行 {name} 需要 RabbitMQ 与其他部分通信：请设置 QUANYU_BROKER_URL（amqp://user:password@host/），"
                "或用 `quanyu serve` 在一个进程中启动全部。",
            )
        )
    if name == "gateway" and settings.role.answers and (unknown := _unknown_upstreams(flags)):
        raise Stop(
            say(
                f"The gateway alone must know where the services listen: set {', '.join(unknown)} (http://host:port).",
                f"单独运行的网关须知道各服务的地址：请设置 {', '.join(unknown)}（http://host:port）。",
            )
        )
    async with AsyncExitStack() as stack:
        pools = pools_of((name,), settings, flags)
        bus = await stack.enter_async_context(open_bus(settings, pools))
        part = build(name, {**flags, **_size(pools, name)}, bus)
        yield await _enter(stack, part, (part,))


@asynccontextmanager
async def open_bus(settings: SuiteSettings, pools: Mapping[str, Pool] | None = None) -> AsyncIterator[Bus]:
    """The local bus, or RabbitMQ when a broker is given. `pools` are those of its process."""
    bus: Bus
    if settings.broker_url is None:
        with telling("bus", settings):
            private_files.make_folder(settings.data_dir)
        bus = LocalBus(
            Database(
                settings.resolved_database_url("bus"),
                schema="bus",
                pool_size=pools["bus"].size if pools and "bus" in pools else CONNECTIONS_OF_A_PART,
                seconds=settings.database_seconds,
            ),
            SystemClock(),
            retry_seconds=settings.bus_retry_seconds,
        )
    else:
        from shared.messaging.rabbit import RabbitBus

        bus = RabbitBus(
            settings.broker_url.get_secret_value(),
            prefix=settings.broker_prefix,
            retry_seconds=settings.bus_retry_seconds,
        )
    if not settings.role.works:
        yield bus  # nobody here sends or hears anything: its worker has the bus
        return
    try:
        with telling("bus", settings):
            await bus.start()
        yield bus
    finally:
        await bus.stop()


@asynccontextmanager
async def operators_bus(settings: SuiteSettings, flags: Flags) -> AsyncIterator[Bus]:
    """The bus with every part's queues known and nothing consumed, for looking at parked messages."""
    async with open_bus(settings) as bus:
        for name in PARTS:
            part = build(name, flags, bus)
            await part.declare()
            await part.kit.db.close()
        yield bus


async def prepare(names: tuple[str, ...], settings: SuiteSettings, flags: Flags) -> None:
    """Bring the tables of these parts to the newest revision and, on RabbitMQ, make their queues.

    Queues are made here because a part that starts alone must not publish what another one was never there to hear.
    """
    async with open_bus(settings) as bus:
        for name in names:
            part = build(name, flags, bus)
            try:
                with telling(part.name, part.kit.settings):
                    await part.migrate()
                await part.declare()
            finally:
                await part.kit.db.close()
        if problems := bus.health():
            raise Stop(
                say(
                    f"The tables are ready, but not the queues: {'; '.join(problems)}.",
                    f"表已就绪，队列尚未就绪：{'; '.join(problems)}。",
                )
            )


@asynccontextmanager
async def owned_gateway(settings: SuiteSettings, flags: Flags) -> AsyncIterator["Gateway"]:
    """The gateway for who owns its data, beside a suite that runs or not: nothing of it answers or loops."""
    from gateway.app import create_gateway
    from gateway.settings import GatewaySettings

    chosen = load(GatewaySettings, flags)
    see_the_database(chosen)
    async with open_bus(settings) as bus:
        gateway = create_gateway(chosen, bus, SystemClock(), {})
        try:
            with telling(gateway.name, gateway.kit.settings):
                yield gateway
        finally:
            await gateway.kit.db.close()


def build(name: str, flags: Flags, bus: Bus) -> Service:
    """One part as it runs alone; the gateway then reaches the services over HTTP."""
    clock = SystemClock()
    if name in SERVICES:
        create, options = service(name)
        chosen = load(options, flags)
        see_the_secret(chosen)
        return create(chosen, bus, clock)
    from gateway.app import create_gateway
    from gateway.forwarding.upstreams import http_upstreams
    from gateway.settings import GatewaySettings

    settings = load(GatewaySettings, flags)
    see_the_secret(settings)
    return create_gateway(settings, bus, clock, http_upstreams(settings, clock))


def _size(pools: Mapping[str, Pool], name: str) -> Flags:
    return {"database_connections": pools[name].size} if name in pools else {}


def _unknown_upstreams(flags: Flags) -> list[str]:
    """The variables that are missing for a gateway of its own."""
    from gateway.settings import GatewaySettings

    settings = load(GatewaySettings, flags)
    return [f"QUANYU_{name.upper()}_URL" for name in SERVICES if getattr(settings, f"{name}_url") is None]


async def _enter(stack: AsyncExitStack, door: Service, parts: tuple[Service, ...]) -> Running:
    for part in parts:
        await part.declare()  # every queue is there before the first part publishes
    for part in parts:
        with telling(part.name, part.kit.settings):
            await stack.enter_async_context(part.running())
    if door.role.answers:  # the door tells of all parts behind it
        health = HealthApp(parts, door.readiness)
        return Running(door.app, parts, health, getattr(door.kit.settings, "trusted_proxies", None))

    async def readiness() -> list[Standing]:
        return [check for part in parts for check in await part.readiness()]

    health = HealthApp(parts, readiness)
    return Running(health, parts, health)
