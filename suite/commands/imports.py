"""`quanyu import`: a merchant's history from files."""

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from shared.language import helps, say
from suite.commands.common import DataDir, Key, Url, caller, connect, run
from suite.errors import Stop
from suite.importing.columns import KNOWN, ColumnsError, parse_mapping
from suite.importing.files import ReadingError
from suite.terminal import console

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

app = typer.Typer(no_args_is_help=True, help=say("Load a merchant's history from files.", "从文件导入商家的历史数据。"))
_FIELDS = ", ".join(KNOWN)
_ENDING = re.compile(r"(\.(csv|tsv|txt))?(\.gz)?$", re.IGNORECASE)


@app.command()
@helps("把订单行导入为客户与订单。同一文件导入两次不会改变任何数据；中断后再运行一次即可。")
def orders(
    file: Annotated[
        Path,
        typer.Argument(
            help=say(
                "CSV, plain or .gz; UTF-8, UTF-16 or GBK/GB18030. Exports of Taobao, JD and Youzan are known.",
                "CSV，可为 .gz；UTF-8、UTF-16 或 GBK/GB18030。能识别淘宝、京东、有赞导出的订单报表。",
            )
        ),
    ],
    map_: Annotated[
        list[str] | None,
        typer.Option(
            "--map",
            help=say(f"column=field, several times. Fields: {_FIELDS}.", f"列名=字段，可多次给出。字段：{_FIELDS}。"),
        ),
    ] = None,
    source: Annotated[
        str | None,
        typer.Option(
            help=say(
                "Name of the shop system; orders are told apart by it. (as the file says when left out)",
                "店铺系统的名称，用来区分订单。（不填则依文件而定）",
            )
        ),
    ] = None,
    currency: Annotated[
        str | None,
        typer.Option(
            help=say(
                "ISO 4217. (CNY; GBP for Online Retail when left out)", "ISO 4217。（不填为 CNY；Online Retail 为 GBP）"
            )
        ),
    ] = None,
    time_zone: Annotated[
        str | None,
        typer.Option(
            help=say(
                "Of times without offset. (Asia/Shanghai; Europe/London for Online Retail when left out)",
                "没有时区偏移的时间所属的时区。（不填为 Asia/Shanghai；Online Retail 为 Europe/London）",
            )
        ),
    ] = None,
    rejects: Annotated[
        Path | None,
        typer.Option(
            help=say(
                "Where rejected rows go. (<file>.rejects.csv beside it when left out)",
                "被拒的行写到哪里。（不填则为同一目录下的 <文件>.rejects.csv）",
            )
        ),
    ] = None,
    url: Url = None,
    key: Key = None,
    data_dir: DataDir = None,
) -> None:
    """Load order lines as customers and orders. Loading a file twice changes nothing; a broken load is simply run again."""
    from suite.importing.loader import Options, load_orders

    options = Options(
        mapping=_checked(map_ or []),
        source=_source(source),
        currency=_currency(currency),
        time_zone=_zone(time_zone),
        rejects=rejects or file.parent / f"{_ENDING.sub('', file.name)}.rejects.csv",
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


def _source(name: str | None) -> str | None:
    if name is not None and not re.fullmatch("[A-Za-z0-9_.-]{1,40}", name):
        raise Stop(
            say(
                f"--source takes up to 40 letters, digits, _ . and -, not {name!r}.",
                f"--source 最多 40 个字母、数字、_ . 和 -，不能是 {name!r}。",
            )
        )
    return name


def _currency(code: str | None) -> str | None:
    from shared.money import known_currency

    try:
        return known_currency(code.upper()) if code else None
    except ValueError:
        raise Stop(
            say(
                f"--currency takes the ISO 4217 code of a currency, such as CNY (RMB is written CNY), not {code!r}.",
                f"--currency 须为 ISO 4217 币种代码，如 CNY（人民币写作 CNY），不能是 {code!r}。",
            )
        ) from None


def _zone(name: str | None) -> "ZoneInfo | None":
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

    try:
        return ZoneInfo(name) if name else None
    except (ZoneInfoNotFoundError, ValueError):
        raise Stop(
            say(
                f"--time-zone takes an IANA name such as Asia/Shanghai, not {name!r}.",
                f"--time-zone 须为 IANA 名称，如 Asia/Shanghai，不能是 {name!r}。",
            )
        ) from None
