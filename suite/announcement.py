"""What a starting suite tells the person who started it."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from shared.language import say
from suite.errors import Stop
from suite.terminal import console, errors, plain

if TYPE_CHECKING:
    from shared.service import Service


def tell_of_tables(names: Sequence[str]) -> None:
    """What the next moment is spent on, to a person who waits at a terminal."""
    if console.is_terminal:
        console.print(
            say(f"  Tables and services  {', '.join(names)}", f"  数据表与服务         {', '.join(names)}"),
            soft_wrap=True,
        )


def announce(url: str, part: str | None, key_file: Path, ready: bool, troubles: Sequence[str]) -> None:
    """Where things are, and what is not well; of the administrator's key, only its file."""
    url, file = plain(url), plain(key_file)
    if part is not None:
        console.print(
            say(f"[bold]Quanyu {part}[/bold] listens on {url}", f"[bold]Quanyu {part}[/bold] 监听于 {url}"),
            soft_wrap=True,
        )
    elif ready:
        console.print(
            say(
                f"\n[bold]Quanyu 全域[/bold] is ready on [bold]{url}[/bold]",
                f"\n[bold]Quanyu 全域[/bold] 已就绪：[bold]{url}[/bold]",
            )
        )
    else:
        console.print(
            say(
                f"\n[bold]Quanyu 全域[/bold] listens on [bold]{url}[/bold]",
                f"\n[bold]Quanyu 全域[/bold] 监听于 [bold]{url}[/bold]",
            )
        )
    if not ready:
        console.print(say("  [red]It is not ready yet[/red]", "  [red]尚未就绪[/red]"))
    for trouble in troubles:
        console.print(
            say(
                f"  [yellow]Not well[/yellow]           {plain(trouble)}",
                f"  [yellow]有问题[/yellow]             {plain(trouble)}",
            ),
            soft_wrap=True,
        )
    if part is not None:
        return
    console.print(
        say(
            f"  API documents      {url}/docs   ({url}/openapi.json)",
            f"  接口文档           {url}/docs   ({url}/openapi.json)",
        ),
        soft_wrap=True,
    )
    console.print(
        say(
            f"  Health, readiness  {url}/livez, {url}/readyz",
            f"  存活与就绪检查     {url}/livez, {url}/readyz",
        ),
        soft_wrap=True,
    )
    if key_file.exists():  # never on a command line, where every program of this machine could read it
        console.print(say(f"  Administrator key  {file}", f"  管理员密钥         {file}"), soft_wrap=True)
        console.print(
            say(
                f"  Try                curl -H @<(sed 's/^/Authorization: Bearer /' {file}) {url}/v1/coupon-templates",
                f"  试一试             curl -H @<(sed 's/^/Authorization: Bearer /' {file}) {url}/v1/coupon-templates",
            ),
            soft_wrap=True,
        )
    console.print(say("  Stop               Ctrl-C", "  停止               Ctrl-C"))


async def first_administrator(url: str, part: "Service") -> None:
    """Where nobody has an account yet: the one-time link of the first administrator. A terminal is read by a person; what is
    no terminal is kept, by who knows whom.
    """
    from gateway.app import Gateway

    if not console.is_terminal or not isinstance(part, Gateway) or not part.role.answers:
        return
    link = await part.accounts.accounts.first_link()
    if link is not None:
        console.print(
            say(
                "  First administrator  (good once, for an hour; only for you)",
                "  首位管理员  （一小时内有效，仅用一次，只给你）",
            )
        )
        console.print(f"    [bold]{plain(url + link.path)}[/bold]", soft_wrap=True)


async def demonstrate(url: str, key_file: Path) -> None:
    """Load the sample shop and play the tour once. A failure is told; the suite stays up."""
    from suite import sampleshop
    from suite.client import connect
    from suite.settings import CallerSettings
    from suite.tour.play import play

    settings = CallerSettings(url=url, data_dir=key_file.parent)
    try:
        async with connect(settings) as client:
            await client.until_ready(30)
            await sampleshop.load(client, console)
            await play(client, console, settings.tour_port)
    except Stop as error:
        errors.print(
            say(
                f"[bold red]The demonstration stopped:[/bold red] {plain(error)}",
                f"[bold red]演示中断：[/bold red]{plain(error)}",
            ),
            soft_wrap=True,
        )
