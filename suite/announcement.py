"""What a starting suite tells the person who started it."""

from collections.abc import Sequence
from pathlib import Path

from suite import sampleshop
from suite.client import connect
from suite.errors import Stop
from suite.settings import CallerSettings
from suite.terminal import console, errors, plain
from suite.tour.play import play


def announce(url: str, part: str | None, key_file: Path, ready: bool, troubles: Sequence[str]) -> None:
    """Where things are, and what is not well; of the administrator's key, only its file."""
    url, file = plain(url), plain(key_file)
    if part is not None:
        console.print(f"[bold]Quanyu {part}[/bold] listens on {url}", soft_wrap=True)
    elif ready:
        console.print(f"\n[bold]Quanyu 全域[/bold] is ready on [bold]{url}[/bold]")
    else:
        console.print(f"\n[bold]Quanyu 全域[/bold] listens on [bold]{url}[/bold]")
    if not ready:
        console.print("  [red]It is not ready yet[/red]")
    for trouble in troubles:
        console.print(f"  [yellow]Not well[/yellow]           {plain(trouble)}", soft_wrap=True)
    if part is not None:
        return
    console.print(f"  API documents      {url}/docs   ({url}/openapi.json)", soft_wrap=True)
    console.print(f"  Health, readiness  {url}/livez, {url}/readyz", soft_wrap=True)
    if key_file.exists():
        console.print(f"  Administrator key  {file}", soft_wrap=True)
        console.print(
            f'  Try                curl -H "Authorization: Bearer $(cat {file})" {url}/v1/coupon-templates',
            soft_wrap=True,
        )
    console.print("  Stop               Ctrl-C")


async def demonstrate(url: str, key_file: Path) -> None:
    """Load the sample shop and play the tour once. A failure is told; the suite stays up."""

    settings = CallerSettings(url=url, data_dir=key_file.parent)
    try:
        async with connect(settings) as client:
            await client.until_ready(30)
            await sampleshop.load(client, console)
            await play(client, console, settings.tour_port)
    except Stop as error:
        errors.print(f"[bold red]The demonstration stopped:[/bold red] {plain(error)}", soft_wrap=True)
