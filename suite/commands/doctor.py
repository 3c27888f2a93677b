"""`quanyu doctor`: what is configured, what is safe, what is reachable, what is consistent."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer

from shared.language import helps, say
from suite.audits import AUDITS, run_audits
from suite.client import Client, connect
from suite.commands.common import DataDir, Key, Url, caller, flags, run
from suite.errors import Stop
from suite.parts import PARTS
from suite.settings import SuiteSettings, load
from suite.terminal import console, plain

GOOD = say("[green]ok[/green]  ", "[green]正常[/green]")
BAD = say("[red]bad[/red] ", "[red]异常[/red]")
NOTE = say("[yellow]note[/yellow]", "[yellow]注意[/yellow]")


@helps("全面检查套件。有问题时以 1 退出。")
def doctor(url: Url = None, key: Key = None, data_dir: DataDir = None) -> None:
    """Look over the whole suite. Exits with 1 when something is wrong."""
    settings = load(SuiteSettings, flags(data_dir=data_dir))
    console.print(say("[bold]Configured[/bold]", "[bold]配置[/bold]"))
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

    yield say(f"environment   {settings.environment}", f"环境          {settings.environment}")
    yield say(f"data          {settings.data_dir.absolute()}", f"数据          {settings.data_dir.absolute()}")
    for name in PARTS:
        yield f"{name:<13} {shown(wiring.settings_of(name, {'data_dir': settings.data_dir}).resolved_database_url())}"
    file = shown(settings.resolved_database_url("bus"))
    bus = say(f"local, in {file}", f"本地，位于 {file}") if settings.broker_url is None else "RabbitMQ"
    yield say(f"bus           {bus}", f"消息          {bus}")
    alone = say("no Redis: gateways on one database divide them", "无 Redis：同一数据库上的网关平分")
    limits = "Redis" if settings.redis_url else alone
    yield say(f"limits        {limits}", f"限流          {limits}")


def _safe(settings: SuiteSettings, url: str | None, data_dir: Path | None) -> bool:
    from gateway.settings import GatewaySettings
    from suite.precautions import Installation, findings

    console.print(say("[bold]Safe[/bold]", "[bold]安全[/bold]"))
    gateway = load(GatewaySettings, {"data_dir": settings.data_dir})
    short = run(_shortages(settings))
    found = list(findings(Installation(settings, gateway, caller(url, data_dir).url, short)))
    for finding in found:
        console.print(f"  {BAD if finding.bad else NOTE} {plain(finding.sentence)}", soft_wrap=True)
    if not found:
        console.print(say(f"  {GOOD} nothing stands open that should not", f"  {GOOD} 没有不该敞开的地方"))
    return not any(finding.bad for finding in found)


async def _shortages(settings: SuiteSettings) -> tuple[str, ...]:
    from suite import budget, wiring

    pools = wiring.pools_of(PARTS, settings, {"data_dir": settings.data_dir})
    return tuple([sentence async for sentence in budget.shortages(pools, beside_running=False)])


async def _running(url: str | None, key: str | None, data_dir: Any) -> bool:
    settings = caller(url, data_dir)
    console.print(
        say(f"[bold]Running[/bold] at {plain(settings.url)}", f"[bold]运行[/bold] {plain(settings.url)}"),
        soft_wrap=True,
    )
    try:
        async with connect(settings, key) as client:
            return await _look(client)
    except Stop as error:
        console.print(f"  {BAD} {plain(error)}", soft_wrap=True)
        return False


async def _look(client: Client) -> bool:
    status, document = await client.status("/readyz")
    ready = status == 200
    told = say("every part is ready", "各部分均已就绪") if ready else _reason(document)
    mark = GOOD if ready else BAD
    console.print(say(f"  {mark} readiness: {plain(told)}", f"  {mark} 就绪检查：{plain(told)}"), soft_wrap=True)
    console.print(say("[bold]Consistent[/bold]", "[bold]对账[/bold]"))
    clean = True
    for part, findings in (await run_audits(client)).items():
        bad = [check for check in findings if not check["ok"]]
        clean &= not bad
        mark = BAD if bad else GOOD
        console.print(
            say(f"  {mark} {AUDITS[part]}: {len(findings)} checks", f"  {mark} {AUDITS[part]}：{len(findings)} 项检查")
        )
        for check in bad:
            console.print(f"       {plain(check['name'])}: {plain(check['detail'])}", soft_wrap=True)
    return ready and clean


def _reason(document: Any) -> str:
    return str(document.get("detail", document)) if isinstance(document, dict) else say("no reason given", "未说明原因")
