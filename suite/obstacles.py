"""What may stand in the way of a start, each a sentence for the operator."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError

from shared import private_files
from shared.db import Trouble, kind_of
from shared.db.migrate import NewerSchema
from shared.language import Language, say, spoken
from shared.roles import Role
from shared.settings import ServiceSettings
from suite.errors import Stop

_TROUBLES = {
    Trouble.AWAY: "没有应答",
    Trouble.STARTING: "正在启动或恢复，尚不接受连接",
    Trouble.FULL: "空间已满（磁盘、配额或卷），无法写入",
    Trouble.READ_ONLY: "不接受写入：是备库、设为只读，或文件、磁盘不可写",
    Trouble.FAILING: "无法读写其磁盘",
    Trouble.MEMORY: "内存不足",
}
"""What the values of `Trouble` say, in Chinese."""


@contextmanager
def telling(name: str, settings: ServiceSettings) -> Iterator[None]:
    """A database or a data folder that can't be used at the start is a sentence for the operator."""
    try:
        yield
    except NewerSchema as error:
        raise Stop(
            say(
                f"The database of {name} was made by a newer version of Quanyu: {error}. Start that version, or restore the "
                "backup from before it was used (docs/runbook.md).",
                f"{name} 的数据库由更新版本的 Quanyu 创建：{error}。请启动该版本，或恢复使用它之前的备份（docs/runbook.md）。",
            )
        ) from error
    except (OSError, SQLAlchemyError) as error:
        url = make_url(settings.resolved_database_url(name))
        if url.get_backend_name() == "sqlite" and (trouble := private_files.trouble(Path(url.database or ""))):
            raise Stop(say(f"The suite can't keep its data: {trouble}.", f"套件无法保存数据：{trouble}。")) from error
        reason = (error.strerror if isinstance(error, OSError) else None) or str(error).splitlines()[0]
        found = kind_of(error)
        if found is not None and (found is not Trouble.AWAY or isinstance(error, TimeoutError)):
            reason = _TROUBLES[found] if spoken() is Language.CHINESE else f"it {found.value}"
        reason = reason.split("Error) ")[-1].rstrip(".")
        variable = f"QUANYU_{name.upper()}_DATABASE_URL"
        own = "" if name == "bus" else say(f" (or {variable})", f"（或 {variable}）")
        where = shown(settings.resolved_database_url(name))
        raise Stop(
            say(
                f"The database of {name}, {where}, can't be used: {reason}. "
                f"Check QUANYU_DATABASE_URL{own} and that the server runs; for SQLite, that the data folder may be written.",
                f"{name} 的数据库 {where} 无法使用：{reason}。"
                f"请检查 QUANYU_DATABASE_URL{own}以及服务器是否在运行；若用 SQLite，检查数据目录是否可写。",
            )
        ) from error


def shown(url: str) -> str:
    """A database as a person reads it: the path of a file, an address without its password."""
    parsed = make_url(url)
    return (
        str(parsed.database) if parsed.get_backend_name() == "sqlite" else parsed.render_as_string(hide_password=True)
    )


@contextmanager
def alone(folder: Path, role: Role) -> Iterator[None]:
    """Two suites on the same files would each do the other's work. Raises Stop when another one keeps its data there.

    A process that answers and one that works may share the folder: they are one suite.
    """
    duties = {"suite.lock": role.answers, "worker.lock": role.works}
    try:
        with ExitStack() as stack:
            for name in (name for name, ours in duties.items() if ours):
                stack.enter_context(private_files.held(folder / name))
            yield
    except private_files.HeldByAnother as error:
        raise Stop(
            say(
                f"Another suite (process {error}) keeps its data in {folder}. Stop it, or give this one a folder of its own "
                "with --data-dir.",
                f"另一个套件（进程 {error}）的数据在 {folder}。请停止它，或用 --data-dir 给这一个单独的目录。",
            )
        ) from None


def see_the_database(settings: ServiceSettings) -> None:
    """Raises Stop where an embedded database would be made anew: nobody has used this folder yet."""
    url = make_url(settings.resolved_database_url())
    if url.get_backend_name() == "sqlite" and not Path(url.database or "").exists():
        raise Stop(
            say(
                f"No suite has kept its data in {settings.data_dir} yet. Say by --data-dir (or QUANYU_DATA_DIR) where it does.",
                f"{settings.data_dir} 中还没有套件的数据。请用 --data-dir（或 QUANYU_DATA_DIR）指明数据目录。",
            )
        )


def see_the_secret(settings: ServiceSettings) -> None:
    """Raises Stop when the secret that the parts share can't be had."""
    try:
        settings.resolved_internal_secret()
    except OSError as error:
        raise Stop(
            say(
                f"The secret that the parts share can't be kept in {settings.data_dir}: {error.strerror}. "
                "Set QUANYU_INTERNAL_SECRET for all of them, or a data folder that may be written.",
                f"各部分共用的密钥无法保存在 {settings.data_dir}：{error.strerror}。"
                "请为所有部分设置 QUANYU_INTERNAL_SECRET，或使用可写的数据目录。",
            )
        ) from error
