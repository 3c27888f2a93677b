"""`quanyu doctor`: what is configured, what is safe, what is reachable, what is consistent."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer

from suite.audits import AUDITS, run_audits
from suite.client import Client, connect
from suite.commands.common import DataDir, Key, Url, caller, flags, run
from suite.errors import Stop
from suite.parts import PARTS
from suite.settings import SuiteSettings, load
from suite.terminal import console, plain

GOOD, BAD, NOTE = "[green]ok[/green]  ", "[red]bad[/red] ", "[yellow]note[/yellow]"


def doctor(url: Url = None, key: Key = None, data_dir: DataDir = None) -> None:
    """Look over the whole suite. Exits with 1 when something is wrong."""
    settings = load(SuiteSettings, flags(data_dir=data_dir))
    console.print("[bold]Configured[/bold]")
    for line in configured(settings):
        console.print(f"  {plain(line)}", soft_wrap=True)
    safe = _safe(settings, url, data_dir)
    healthy = run(_running(url, key, data_dir))
    if not (safe and healthy):
        raise typer.Exit(1)


def configured(settings: SuiteSettings) -> Iterator[str]:
    """The settings that matter, without secrets."""
    from suite import wiring
    from suite.obstacles import shown

    yield f"environment   {settings.environment}"
    yield f"data          {settings.data_dir.absolute()}"
    for name in PARTS:
        yield f"{name:<13} {shown(wiring.settings_of(name, {'data_dir': settings.data_dir}).resolved_database_url())}"
    local = f"local, in {shown(settings.resolved_database_url('bus'))}"
    yield f"bus           {local if settings.broker_url is None else 'RabbitMQ'}"
    yield f"limits        {'Redis' if settings.redis_url else 'no Redis: gateways on one database divide them'}"


def _safe(settings: SuiteSettings, url: str | None, data_dir: Path | None) -> bool:
    from gateway.settings import GatewaySettings
    from suite.precautions import Installation, findings

    console.print("[bold]Safe[/bold]")
    gateway = load(GatewaySettings, {"data_dir": settings.data_dir})
    short = run(_shortages(settings))
    found = list(findings(Installation(settings, gateway, caller(url, data_dir).url, short)))
    for finding in found:
        console.print(f"  {BAD if finding.bad else NOTE} {plain(finding.sentence)}", soft_wrap=True)
    if not found:
        console.print(f"  {GOOD} nothing stands open that should not")
    return not any(finding.bad for finding in found)


async def _shortages(settings: SuiteSettings) -> tuple[str, ...]:
    from suite import budget, wiring

    pools = wiring.pools_of(PARTS, settings, {"data_dir": settings.data_dir})
    return tuple([sentence async for sentence in budget.shortages(pools, beside_running=False)])


async def _running(url: str | None, key: str | None, data_dir: Any) -> bool:
    settings = caller(url, data_dir)
    console.print(f"[bold]Running[/bold] at {plain(settings.url)}")
    try:
        async with connect(settings, key) as client:
            return await _look(client)
    except Stop as error:
        console.print(f"  {BAD} {plain(error)}", soft_wrap=True)
        return False


async def _look(client: Client) -> bool:
    status, document = await client.status("/readyz")
    ready = status == 200
    console.print(
        f"  {GOOD if ready else BAD} readiness: {'every part is ready' if ready else plain(_reason(document))}",
        soft_wrap=True,
    )
    console.print("[bold]Consistent[/bold]")
    clean = True
    for part, findings in (await run_audits(client)).items():
        bad = [check for check in findings if not check["ok"]]
        clean &= not bad
        console.print(f"  {BAD if bad else GOOD} {AUDITS[part]}: {len(findings)} checks")
        for check in bad:
            console.print(f"       {plain(check['name'])}: {plain(check['detail'])}", soft_wrap=True)
    return ready and clean


def _reason(document: Any) -> str:
    return str(document.get("detail", document)) if isinstance(document, dict) else "no reason given"
