"""The command line `quanyu`. Each command is a file in `suite.commands`; what goes wrong is one sentence, no traceback."""

import os
import sys
from io import TextIOWrapper
from typing import Annotated

import typer

from shared.language import FLAG, Language, helps, say, speak
from shared.version import VERSION
from suite.commands import accounts, imports, keys, parked
from suite.commands.backup import backup, restore
from suite.commands.common import DataDir, Key, Url, caller, connect, flags, run, suite_settings
from suite.commands.doctor import doctor
from suite.commands.serve import migrate, serve
from suite.errors import Stop
from suite.terminal import console, errors, plain
from suite.usage import in_our_words, wrong_usage

app = typer.Typer(
    name="quanyu",
    help=say(
        "Quanyu 全域: coupons, audience segments, customer journeys and one stock for every channel.",
        "Quanyu 全域：优惠券、人群、客户旅程，全渠道一盘货。",
    ),
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


def _tell_version(wanted: bool) -> None:
    if wanted:
        console.print(f"quanyu {plain(VERSION)}")
        raise typer.Exit


@app.callback()
def root(
    lang: Annotated[
        Language | None,
        typer.Option(
            FLAG,
            help=say(
                "Speak English or Chinese; may stand anywhere. (by LANGUAGE, LC_ALL, LC_MESSAGES, LANG when left out)",
                "使用英文或中文；可放在任意位置。（不填时依 LANGUAGE、LC_ALL、LC_MESSAGES、LANG）",
            ),
        ),
    ] = None,
    version: Annotated[  # noqa: ARG001 - its callback says it
        bool,
        typer.Option(
            "--version",
            help=say("Say which version this is, and end.", "显示版本后退出。"),
            is_eager=True,
            callback=_tell_version,
        ),
    ] = False,
) -> None:
    """What holds for every command."""
    if lang is not None:
        speak(lang)
    from suite.setting_names import check_names

    check_names()


app.command()(serve)
app.command()(migrate)
app.command()(doctor)
app.command()(backup)
app.command()(restore)
app.add_typer(imports.app, name="import")
app.add_typer(keys.app, name="keys")
app.add_typer(accounts.app, name="accounts")
app.add_typer(parked.app, name="parked")


@app.command()
@helps("对运行中的套件演示主线故事，逐步打印。有任何不符时以 1 退出。")
def tour(
    url: Url = None,
    key: Key = None,
    data_dir: DataDir = None,
    in_production: Annotated[
        bool,
        typer.Option(
            "--in-production",
            help=say(
                "Play it on a suite in production too: made-up customers, orders and goods stay behind.",
                "在生产环境也照样演示：会留下虚构的顾客、订单与库存。",
            ),
        ),
    ] = False,
) -> None:
    """Play the main story against a running suite and print each step. Exits with 1 when something is off."""
    from suite.tour.play import play, refuse_in_production

    async def work() -> None:
        settings = caller(url, data_dir)
        async with connect(settings, key) as client:
            if not in_production:
                await refuse_in_production(client, settings)
            await play(client, console, settings.tour_port)

    run(work())


@app.command()
@helps("将每个服务与网关各作为一个进程启动，使用 PostgreSQL 与 RabbitMQ。按 Ctrl-C 全部停止。")
def full(
    port: Annotated[
        int | None,
        typer.Option(
            help=say(
                "Port of the gateway; the services take free ones. (8000 when left out)",
                "网关端口；各服务取空闲端口。（不填为 8000）",
            )
        ),
    ] = None,
    host: Annotated[
        str | None,
        typer.Option(help=say("Address of the gateway. (127.0.0.1 when left out)", "网关地址。（不填为 127.0.0.1）")),
    ] = None,
    data_dir: DataDir = None,
) -> None:
    """Start each service and the gateway as a process of its own, on PostgreSQL and RabbitMQ. Ctrl-C stops them all."""
    from suite import processes

    settings = suite_settings(flags(port=port, host=host, data_dir=data_dir))
    run(processes.supervise(settings), settings)


def main() -> None:
    """The program's entry."""
    os.umask(0o077)  # databases, keys and lists of customers are nobody else's
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal that knows no Chinese shows the rest
    try:
        sys.exit(in_our_words(app)(standalone_mode=False))
    except typer.TyperException as error:
        if wrong := wrong_usage(error):
            errors.print(f"[bold red]quanyu:[/bold red] {plain(wrong)}", soft_wrap=True)
        sys.exit(error.exit_code)
    except Stop as error:
        errors.print(f"[bold red]quanyu:[/bold red] {plain(error)}", soft_wrap=True)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
