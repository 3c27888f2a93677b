"""`quanyu backup` and `quanyu restore`: the data of an embedded suite, as files of SQLite."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from shared.language import helps, say
from suite.commands.common import DataDir, flags, suite_settings
from suite.errors import Stop
from suite.parts import PARTS
from suite.terminal import console, plain

if TYPE_CHECKING:
    from suite.settings import SuiteSettings

Folder = Annotated[Path, typer.Argument(help=say("The backup: a folder of its own.", "备份：一个独立的目录。"))]
Replace = Annotated[
    bool,
    typer.Option(
        "--replace",
        help=say("Move data that are there aside, and put these there.", "先把已有数据移到一旁，再放回备份。"),
    ),
]


@helps("将全部数据按同一时刻复制到一个新目录。套件可以继续运行。")
def backup(folder: Folder, data_dir: DataDir = None) -> None:
    """Copy all data as of one moment into a new folder. The suite may run on meanwhile."""
    from suite import backups

    settings = suite_settings(flags(data_dir=data_dir))
    copied = backups.make(_databases(settings), settings.data_dir, folder)
    size = f"{copied / 1e6:.1f} MB"
    console.print(
        say(
            f"Backed up {plain(settings.data_dir)} into {plain(folder)}: {plain(size)}.",
            f"已将 {plain(settings.data_dir)} 备份到 {plain(folder)}：{plain(size)}。",
        ),
        soft_wrap=True,
    )
    if settings.internal_secret is not None:
        console.print(
            say(
                "QUANYU_INTERNAL_SECRET is not in it: keep that with your other secrets.",
                "其中不含 QUANYU_INTERNAL_SECRET：请与其他密钥一起另行保管。",
            ),
            soft_wrap=True,
        )


@helps("把备份放回。套件不能在运行，恢复完成前也不会启动。")
def restore(folder: Folder, data_dir: DataDir = None, replace: Replace = False) -> None:
    """Put a backup back. The suite must not run; it does not start before this is done."""
    from suite import backups

    settings = suite_settings(flags(data_dir=data_dir))
    moment = backups.put_back(folder, _databases(settings), settings.data_dir, replace=replace)
    at = f"{moment:%Y-%m-%d %H:%M:%S} UTC"
    console.print(
        say(
            f"The data in {plain(settings.data_dir)} are those of {plain(at)}.",
            f"{plain(settings.data_dir)} 中的数据已恢复到 {plain(at)}。",
        ),
        soft_wrap=True,
    )


def _databases(settings: "SuiteSettings") -> dict[str, Path]:
    """The files of all parts and of the local bus. Raises Stop where a server has them."""
    from sqlalchemy.engine import make_url

    from suite import wiring

    given = {"data_dir": settings.data_dir}
    urls = {name: wiring.settings_of(name, given).resolved_database_url() for name in PARTS}
    if settings.broker_url is None:
        urls["bus"] = settings.resolved_database_url("bus")
    found = {name: make_url(url) for name, url in urls.items()}
    if elsewhere := ", ".join(name for name, url in found.items() if url.get_backend_name() != "sqlite"):
        raise Stop(
            say(
                f"The data of {elsewhere} lie on a PostgreSQL server, whose own programs copy them: pg_dump and pg_restore "
                "(docs/deploying.md has the commands).",
                f"{elsewhere} 在 PostgreSQL 上：用 pg_dump 与 pg_restore 备份（命令见 docs/deploying.zh-CN.md）。",
            )
        )
    return {name: Path(url.database or "") for name, url in found.items()}
