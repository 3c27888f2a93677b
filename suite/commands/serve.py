"""`quanyu serve` and `quanyu migrate`. They import what they build only when called, so that the other commands are quick."""

from enum import StrEnum
from ipaddress import ip_network
from typing import TYPE_CHECKING, Annotated, Any

import typer

from shared import private_files
from shared.observability.tracing import configure_tracing
from suite.commands.common import DataDir, flags, run
from suite.parts import PARTS
from suite.settings import SuiteSettings, load
from suite.terminal import console, errors, plain

if TYPE_CHECKING:
    from suite.door.limits import Limits

Part = StrEnum("Part", [(name, name) for name in PARTS])  # type: ignore[misc]  # names are made in one place


OnePart = Annotated[Part | None, typer.Argument(help="One part alone; without it the whole suite.", show_default=False)]


def serve(
    part: OnePart = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on; 0 = any free one.  [default: 8000]")] = None,
    host: Annotated[str | None, typer.Option(help="Address to listen on.  [default: 127.0.0.1]")] = None,
    data_dir: DataDir = None,
    demo: Annotated[
        bool, typer.Option("--demo", help="Load the sample shop and play the tour once, then stay up.")
    ] = False,
) -> None:
    """Start the suite (or one part of it) and serve until Ctrl-C."""
    given = flags(data_dir=data_dir)
    settings = load(SuiteSettings, given | flags(port=port, host=host))
    if demo and part is not None:
        raise typer.BadParameter("the demonstration needs the whole suite; leave the part out", param_hint="--demo")
    if demo:
        given["access_log"] = False  # the demonstration's own lines are to be read
    run(_serve(part, settings, given, demo), settings)


def migrate(part: OnePart = None, data_dir: DataDir = None) -> None:
    """Create or update tables, and the queues when a broker is configured. Run it before production starts."""
    given = flags(data_dir=data_dir)
    settings = load(SuiteSettings, given)
    from suite import wiring

    names = PARTS if part is None else (part.value,)
    run(wiring.prepare(names, settings, given), settings)
    console.print(f"Ready: {', '.join(names)}.")


async def _serve(part: Part | None, settings: SuiteSettings, given: dict[str, Any], demo: bool) -> None:
    from suite import announcement, server, wiring
    from suite.door.limits import raise_descriptors

    if private_files.open_to_others(settings.data_dir):
        errors.print(
            f"[yellow]Others on this machine may look into the data folder:[/yellow] chmod go= {plain(settings.data_dir)}",
            soft_wrap=True,
        )
    await _count_connections(part, settings, given)
    descriptors = raise_descriptors()
    address = server.listen(settings.host, settings.port)
    configure_tracing(part or "suite", settings.otlp_endpoint)
    arrangement = wiring.embedded(settings, given) if part is None else wiring.single(part.value, settings, given)
    url = f"http://{settings.host}:{address.getsockname()[1]}"
    key_file = settings.data_dir / "admin.key"
    with address:
        async with arrangement as running:

            async def when_up() -> None:
                if demo:
                    await announcement.demonstrate(url, key_file)
                else:
                    announcement.announce(url, part.value if part else None, key_file)

            await server.serve(
                running.app,
                address,
                _limits(settings, running.proxies, descriptors),
                drain=running.drain,
                drain_seconds=settings.drain_seconds,
                when_up=when_up,
            )


async def _count_connections(part: Part | None, settings: SuiteSettings, given: dict[str, Any]) -> None:
    """A sentence for the operator where the database may let in fewer connections than this process may open."""
    from suite import budget, wiring

    pools = wiring.pools_of(PARTS if part is None else (part.value,), settings, given)
    async for sentence in budget.shortages(pools, beside_running=True):
        errors.print(f"[yellow]Database connections:[/yellow] {plain(sentence)}", soft_wrap=True)


def _limits(settings: SuiteSettings, proxies: tuple[str, ...] | None, descriptors: int | None) -> "Limits":
    """What callers may take, and a sentence for the operator when it is less than one would expect."""
    from suite.door.limits import FEW_CONNECTIONS, Limits, connections_within

    connections = connections_within(descriptors, settings.open_connections)
    if connections < (settings.open_connections or FEW_CONNECTIONS):
        errors.print(
            f"[yellow]Only {connections:,} callers can be connected at once:[/yellow] this process may open {plain(descriptors)} "
            "files (`ulimit -n`), and its databases and parts need some. Give it 4096 or more.",
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
