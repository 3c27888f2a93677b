"""`quanyu import`: a merchant's history from files."""

import re
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import typer

from shared.money import known_currency
from suite.client import connect
from suite.commands.common import DataDir, Key, Url, caller, run
from suite.errors import Stop
from suite.importing.columns import KNOWN, ColumnsError, parse_mapping
from suite.importing.files import ReadingError
from suite.importing.loader import Options, load_orders
from suite.terminal import console

app = typer.Typer(no_args_is_help=True, help="Load a merchant's history from files.")


@app.command()
def orders(
    file: Annotated[Path, typer.Argument(help="CSV, plain or .gz; UTF-8, UTF-16 or GBK/GB18030.")],
    map_: Annotated[
        list[str] | None,
        typer.Option(
            "--map",
            help=f"column=field, several times. Fields: {', '.join(KNOWN)}.",
        ),
    ] = None,
    source: Annotated[str | None, typer.Option(help="Name of the shop system; orders are told apart by it.")] = None,
    currency: Annotated[str | None, typer.Option(help="ISO 4217.  [default: CNY; GBP for Online Retail]")] = None,
    time_zone: Annotated[
        str | None,
        typer.Option(help="Of times without offset.  [default: Asia/Shanghai; Europe/London for Online Retail]"),
    ] = None,
    rejects: Annotated[
        Path | None, typer.Option(help="Where rejected rows go.  [default: <file>.rejects.csv here]")
    ] = None,
    url: Url = None,
    key: Key = None,
    data_dir: DataDir = None,
) -> None:
    """Load order lines as customers and orders. Loading a file twice changes nothing; a broken load is simply run again."""
    options = Options(
        mapping=_checked(map_ or []),
        source=_shaped("--source", source, "[A-Za-z0-9_.-]{1,40}", "up to 40 letters, digits, _ . and -"),
        currency=_currency(currency),
        time_zone=_zone(time_zone),
        rejects=rejects or Path(f"{file.name.split('.')[0]}.rejects.csv"),
    )

    async def work() -> None:
        async with connect(caller(url, data_dir), key) as client:
            await load_orders(client, file, options, console)

    try:
        run(work())
    except (ReadingError, ColumnsError) as error:
        raise Stop(str(error)) from None


def _checked(pairs: list[str]) -> dict[str, str]:
    try:
        return parse_mapping(pairs)
    except ColumnsError as error:
        raise Stop(str(error)) from None


def _shaped(flag: str, value: str | None, shape: str, wanted: str) -> str | None:
    if value is not None and not re.fullmatch(shape, value):
        raise Stop(f"{flag} takes {wanted}, not {value!r}.")
    return value


def _currency(code: str | None) -> str | None:
    try:
        return known_currency(code.upper()) if code else None
    except ValueError as error:
        raise Stop(f"--currency {error}, not {code!r}.") from None


def _zone(name: str | None) -> ZoneInfo | None:
    try:
        return ZoneInfo(name) if name else None
    except (ZoneInfoNotFoundError, ValueError):
        raise Stop(f"There is no time zone {name!r}. Give an IANA name such as Asia/Shanghai.") from None
