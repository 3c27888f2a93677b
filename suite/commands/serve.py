"""`quanyu serve` and `quanyu migrate`. They import what they build only when called, so that the other commands are quick."""

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from shared import private_files
from shared.language import helps, say
from shared.roles import Role
from suite.commands.common import DataDir, caller, flags, run, suite_settings
from suite.errors import Stop
from suite.parts import PARTS
from suite.terminal import console, errors, plain

if TYPE_CHECKING:
    from suite.door.limits import Limits
    from suite.settings import SuiteSettings

Part = StrEnum("Part", [(name, name) for name in PARTS])  # type: ignore[misc]  # names are made in one place


_SECOND_SECONDS = 10
"""How long the announcement waits for a second process. Calls are answered meanwhile."""
OnePart = Annotated[
    Part | None,
    typer.Argument(
        help=say("One part alone; without it the whole suite.", "只运行一个部分；不填则为整个套件。"),
        show_default=False,
    ),
]


@helps("启动套件（或其中一个部分），运行至 Ctrl-C。")
def serve(
    part: OnePart = None,
    port: Annotated[
        int | None,
        typer.Option(
            help=say(
                "Port to listen on; 0 = any free one. (8000 when left out)",
                "监听端口；0 为任一空闲端口。（不填为 8000）",
            )
        ),
    ] = None,
    host: Annotated[
        str | None,
        typer.Option(help=say("Address to listen on. (127.0.0.1 when left out)", "监听地址。（不填为 127.0.0.1）")),
    ] = None,
    data_dir: DataDir = None,
    role: Annotated[
        Role | None,
        typer.Option(
            help=say(
                "What this process does: `api` answers requests, `worker` the rest. (all when left out)",
                "该进程的职责：`api` 应答请求，`worker` 做其余工作。（不填为全部）",
            )
        ),
    ] = None,
    split: Annotated[
        bool | None,
        typer.Option(
            "--split/--one-process",
            help=say(
                "With a second process for what follows from requests. (one process when left out)",
                "另起一个进程处理请求之后的工作。（不填为单进程）",
            ),
        ),
    ] = None,
    second: Annotated[int | None, typer.Option(hidden=True)] = None,
    demo: Annotated[
        bool,
        typer.Option(
            "--demo",
            help=say(
                "Load the sample shop and play the tour once, then stay up.", "装入示例店铺，演示一次，然后继续运行。"
            ),
        ),
    ] = False,
) -> None:
    """Start the suite (or one part of it) and serve until Ctrl-C."""
    given = flags(data_dir=data_dir, role=role)
    settings = suite_settings(given | flags(port=port, host=host, split=split))
    if demo and (part is not None or settings.role is not Role.ALL):
        raise typer.BadParameter(
            say(
                "the demonstration needs the whole suite; leave part and role out",
                "演示需要整个套件；请不要指定部分和职责",
            ),
            param_hint="--demo",
        )
    if demo:
        given |= for_the_demonstration(settings)
    if settings.split:
        if settings.role is not Role.ALL:
            raise typer.BadParameter(
                say(
                    "a process with one role is not split; leave one of the two out",
                    "单一职责的进程不再拆分；两者请只用其一",
                ),
                param_hint="--split",
            )
        given |= {"role": Role.API, **_half(settings)}
        settings = settings.model_copy(update=given)
    run(_serve(part, settings, given, demo, second), settings)


@helps("创建或更新数据表；配置了消息服务器时也创建队列。生产环境启动前运行。")
def migrate(part: OnePart = None, data_dir: DataDir = None) -> None:
    """Create or update tables, and the queues when a broker is configured. Run it before production starts."""
    given = flags(data_dir=data_dir)
    settings = suite_settings(given)
    from suite import wiring

    names = PARTS if part is None else (part.value,)
    run(wiring.prepare(names, settings, given), settings)
    console.print(say(f"Ready: {', '.join(names)}.", f"已就绪：{', '.join(names)}。"))


async def _serve(
    part: Part | None, settings: "SuiteSettings", given: dict[str, Any], demo: bool, second: int | None
) -> None:
    from contextlib import AsyncExitStack

    from structlog.contextvars import bind_contextvars

    from shared.observability.tracing import configure_tracing
    from shared.readiness import is_ready, troubles
    from suite import announcement, server, wiring, worker
    from suite.door.limits import raise_descriptors

    if settings.data_dir.is_dir():
        private_files.make_folder(settings.data_dir)
    if private_files.open_to_others(settings.data_dir):
        errors.print(
            say(
                f"[yellow]Others on this machine may look into the data folder:[/yellow] chmod go= {plain(settings.data_dir)}",
                f"[yellow]本机其他用户可以查看数据目录：[/yellow]chmod go= {plain(settings.data_dir)}",
            ),
            soft_wrap=True,
        )
    if (name := _name(part, settings.role)) is not None:
        bind_contextvars(process=name)  # in each of its lines: those of several processes come together somewhere
    settings = await _count_connections(part, settings, given)
    descriptors = raise_descriptors()
    address = server.listen(settings.host, settings.port)
    configure_tracing(part or "suite", settings.otlp_endpoint)
    arrangement = wiring.embedded(settings, given) if part is None else wiring.single(part.value, settings, given)
    if second is None:
        announcement.tell_of_tables(PARTS if part is None else (part.value,))
    url = f"http://{settings.host}:{address.getsockname()[1]}"
    key_file = settings.data_dir / "admin.key"
    with address:
        async with AsyncExitStack() as stack:
            running = await stack.enter_async_context(arrangement)
            beside: worker.SecondProcess | None = None
            if settings.split:
                beside = worker.SecondProcess(*_second(part, settings, given))
                running.parts[-1].watched.append(beside.look)
                await stack.enter_async_context(beside.running())
            if second is not None:
                await stack.enter_async_context(worker.until_input_ends())
            if settings.metrics_port is not None:
                figures = server.beside(running.health, settings.metrics_host, settings.metrics_port)
                await stack.enter_async_context(figures)

            async def when_up() -> None:
                if second is not None:
                    worker.say_up(second)
                if beside is not None:
                    await beside.until_up(_SECOND_SECONDS)
                if demo:
                    await announcement.demonstrate(url, key_file)
                checks = await running.health.readiness()
                announcement.announce(url, _name(part, settings.role), key_file, is_ready(checks), troubles(checks))
                await announcement.first_administrator(url, running.parts[-1])

            await server.serve(
                running.app,
                address,
                _limits(settings, running.proxies, descriptors),
                drain=running.drain,
                drain_seconds=settings.resolved_drain_seconds(),
                when_up=when_up,
            )


def for_the_demonstration(settings: "SuiteSettings") -> dict[str, Any]:
    """Settings of a suite that plays the tour on itself: its webhooks may go to one more port, where the tour's partner listens.

    Raises Stop in production, where made-up customers have no place.
    """
    from gateway.settings import GatewaySettings
    from suite.settings import load

    if settings.environment == "production":
        raise Stop(
            say(
                "The demonstration loads made-up customers and orders; it does not run with QUANYU_ENVIRONMENT=production.",
                "演示会装入虚构的客户与订单；QUANYU_ENVIRONMENT=production 时不运行。",
            )
        )
    allowed = [str(one) for one in load(GatewaySettings, {"data_dir": settings.data_dir}).webhooks_allowed_private]
    if port := caller(None, settings.data_dir).tour_port:
        allowed.append(f"127.0.0.1:{port}")
    # without a line for each request: the demonstration's own are to be read
    return {"access_log": False, "webhooks_allowed_private": ",".join(allowed)}


def _half(settings: "SuiteSettings") -> dict[str, Any]:
    """Two processes have the database connections of one."""
    number = settings.database_connections
    return {} if number is None else {"database_connections": number // 2}


def _second(part: Part | None, settings: "SuiteSettings", given: dict[str, Any]) -> tuple[list[str], dict[str, str]]:
    """What the second process is called with, and its environment."""
    number = settings.database_connections
    environment = {} if number is None else {"QUANYU_DATABASE_CONNECTIONS": str(number)}
    if settings.metrics_port:
        environment["QUANYU_METRICS_PORT"] = str(settings.metrics_port + 1)
    if "webhooks_allowed_private" in given:
        environment["QUANYU_GATEWAY_WEBHOOKS_ALLOWED_PRIVATE"] = given["webhooks_allowed_private"]
    return [*([part.value] if part else []), "--data-dir", str(settings.data_dir)], environment


def _name(part: Part | None, role: Role) -> str | None:
    """What is said to be started; None for the whole suite's API."""
    if role is Role.WORKER:
        return f"{part.value if part else 'suite'} worker"
    return part.value if part else None


async def _count_connections(part: Part | None, settings: "SuiteSettings", given: dict[str, Any]) -> "SuiteSettings":
    """A sentence for the operator where the database lets in fewer connections than this process, and the second one, may open.

    Each takes fewer then, unless a number was set.
    """
    from suite import budget, wiring

    names = PARTS if part is None else (part.value,)
    processes = [wiring.pools_of(names, settings, given)]
    if settings.split:
        processes.append(wiring.pools_of(names, settings.model_copy(update={"role": Role.WORKER}), given))
    async for sentence in budget.shortages(*processes, beside_running=True):
        errors.print(
            say(
                f"[yellow]Database connections:[/yellow] {plain(sentence)}",
                f"[yellow]数据库连接：[/yellow]{plain(sentence)}",
            ),
            soft_wrap=True,
        )
    if settings.database_connections is not None or (fitting := await budget.fitting(*processes)) is None:
        return settings
    errors.print(
        say(f"This process opens {plain(fitting)} at most.", f"本进程最多打开 {plain(fitting)} 个。"), soft_wrap=True
    )
    given["database_connections"] = fitting
    return settings.model_copy(update={"database_connections": fitting})


def _limits(settings: "SuiteSettings", proxies: tuple[str, ...] | None, descriptors: int | None) -> "Limits":
    """What callers may take, and a sentence for the operator when it is less than one would expect."""
    from ipaddress import ip_network

    from suite.door.limits import FEW_CONNECTIONS, Limits, connections_within

    connections = connections_within(descriptors, settings.open_connections)
    if connections < (settings.open_connections or FEW_CONNECTIONS):
        errors.print(
            say(
                f"[yellow]Only {connections:,} callers can be connected at once:[/yellow] this process may open "
                f"{plain(descriptors)} files (`ulimit -n`), and its databases and parts need some. Give it 4096 or more.",
                f"[yellow]同时最多连接 {connections:,} 个调用者：[/yellow]本进程最多打开 {plain(descriptors)} 个文件"
                "（`ulimit -n`），数据库与各部分也要用一些。请给 4096 或更多。",
            ),
            soft_wrap=True,
        )
    return Limits(
        connections=connections,
        per_address=None if proxies is None else settings.open_connections_per_address,
        proxies=tuple(ip_network(one) for one in proxies or ()),
        head_seconds=settings.head_seconds,
        stall_seconds=settings.stall_seconds,
        least_rate=settings.least_bytes_per_second,
    )
