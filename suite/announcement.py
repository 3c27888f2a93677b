"""What a starting suite tells the person who started it."""

from pathlib import Path

from suite import sampleshop
from suite.client import connect
from suite.errors import Stop
from suite.settings import CallerSettings
from suite.terminal import console, errors, plain
from suite.tour.play import play


def announce(url: str, part: str | None, key_file: Path) -> None:
    """Where things are; of the administrator's key, only its file."""
    if part is not None:
        console.print(f"[bold]Quanyu {part}[/bold] listens on {plain(url)}", soft_wrap=True)
        return
    url, file = plain(url), plain(key_file)
    console.print()
    console.print(f"[bold]Quanyu 全域[/bold] is ready on [bold]{url}[/bold]")
    console.print(f"  API documents      {url}/docs   ({url}/openapi.json)", soft_wrap=True)
    console.print(f"  Health, readiness  {url}/healthz, {url}/readyz", soft_wrap=True)
    if key_file.exists():
        console.print(f"  Administrator key  {file}", soft_wrap=True)
        console.print(
            f'  Try                curl -H "Authorization: Bearer $(cat {file})" {url}/v1/coupon-templates',
            soft_wrap=True,
        )
    console.print("  Stop               Ctrl-C")


async def demonstrate(url: str, key_file: Path) -> None:
    """Load the sample shop, play the tour once, then say where things are. A failure is told; the suite stays up."""

    settings = CallerSettings(url=url, data_dir=key_file.parent)
    try:
        async with connect(settings) as client:
            await client.until_ready(30)
            await sampleshop.load(client, console)
            await play(client, console, settings.tour_port)
    except Stop as error:
        errors.print(f"[bold red]The demonstration stopped:[/bold red] {plain(error)}", soft_wrap=True)
    announce(url, None, key_file)
