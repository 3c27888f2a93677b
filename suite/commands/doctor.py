"""`quanyu doctor`: what is configured, what is safe, what is reachable, what is consistent."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from shared.language import helps, say
from suite.commands.common import DataDir, Key, Url, caller, connect, flags, run, suite_settings
from suite.diagnosis import Diagnosis, Group, Verdict
from suite.errors import Stop
from suite.parts import PARTS
from suite.terminal import console, plain

if TYPE_CHECKING:
    from suite.settings import SuiteSettings

_MARKS = {
    Verdict.OK: say("[green]ok[/green]  ", "[green]正常[/green]"),
    Verdict.WARN: say("[yellow]warn[/yellow]", "[yellow]注意[/yellow]"),
    Verdict.FAIL: say("[red]fail[/red]", "[red]失败[/red]"),
}
_HEADS = {
    Group.SAFE: say("[bold]Safe[/bold]", "[bold]安全[/bold]"),
    Group.SERVERS: say("[bold]Servers[/bold]", "[bold]服务器[/bold]"),
    Group.RUNNING: say("[bold]Running[/bold]", "[bold]运行[/bold]"),
    Group.CONSISTENT: say("[bold]Consistent[/bold]", "[bold]对账[/bold]"),
}
AsJson = Annotated[
    bool,
    typer.Option("--json", help=say("One JSON document, for programs.", "输出一个 JSON 文档，供程序使用。")),
]


@helps("全面检查套件。有失败项时以 1 退出。")
def doctor(url: Url = None, key: Key = None, data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Look over the whole suite. Exits with 1 when a check fails."""
    settings = suite_settings(flags(data_dir=data_dir))
    if as_json:
        found = run(_all(settings, url, key, data_dir))
        checks = [dict(zip(("group", "check", "verdict", "detail"), one, strict=True)) for one in found]
        console.print_json(data={"ok": _well(found), "checks": checks})
    else:
        console.print(say("[bold]Configured[/bold]", "[bold]配置[/bold]"))
        for line in configured(settings):
            console.print(f"  {plain(line)}", soft_wrap=True)
        found = run(_told(settings, url, key, data_dir))
    if not _well(found):
        raise typer.Exit(1)


def _well(found: list[Diagnosis]) -> bool:
    return all(one.verdict is not Verdict.FAIL for one in found)


def configured(settings: "SuiteSettings") -> Iterator[str]:
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


async def _all(settings: "SuiteSettings", url: str | None, key: str | None, data_dir: Path | None) -> list[Diagnosis]:
    return [one async for one in _checks(settings, url, key, data_dir)]


async def _told(settings: "SuiteSettings", url: str | None, key: str | None, data_dir: Path | None) -> list[Diagnosis]:
    """The same, each told as it is found."""
    found: list[Diagnosis] = []
    async for one in _checks(settings, url, key, data_dir):
        if not found or found[-1].group is not one.group:
            made = _HEADS[one.group]
            console.print(f"{made}")
            if one.group is Group.RUNNING:
                console.print(f"  {plain(caller(url, data_dir).url)}", soft_wrap=True)
        found.append(one)
        mark = _MARKS[one.verdict]
        console.print(f"  {mark} {plain(one.detail)}", soft_wrap=True)
    return found


async def _checks(
    settings: "SuiteSettings", url: str | None, key: str | None, data_dir: Path | None
) -> AsyncIterator[Diagnosis]:
    from suite.client import Client
    from suite.running_checks import readiness, running
    from suite.server_checks import servers

    for one in await _safe(settings, url, data_dir):
        yield one
    async for one in servers(settings):
        yield one
    try:
        async with Client(caller(url, data_dir).url, "") as stranger:
            for one in await readiness(stranger):
                yield one
        async with connect(caller(url, data_dir), key) as client:
            async for one in running(client):
                yield one
    except Stop as error:
        yield Diagnosis(Group.RUNNING, "answers", Verdict.FAIL, str(error))


async def _safe(settings: "SuiteSettings", url: str | None, data_dir: Path | None) -> list[Diagnosis]:
    from gateway.settings import GatewaySettings
    from suite import budget, wiring
    from suite.precautions import Installation, diagnoses
    from suite.settings import load

    gateway = load(GatewaySettings, {"data_dir": settings.data_dir})
    pools = wiring.pools_of(PARTS, settings, {"data_dir": settings.data_dir})
    short = tuple([sentence async for sentence in budget.shortages(pools, beside_running=False)])
    installation = Installation(settings, gateway, caller(url, data_dir).url, short)
    return list(diagnoses(installation))
