"""A copy of an embedded suite's data as of one moment, made while the suite runs; and the way back.

All databases are held for writing at once, for milliseconds, until a reader of each has begun; what the readers see then is
one moment of the whole suite, and is copied while everybody writes on. A backup appears whole or not at all, with a list
of its files and their digests, and is read against that list before anything is put back.
"""

import hashlib
import json
import os
import shutil
import sqlite3
import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from secrets import token_hex
from typing import Any

from shared import private_files
from shared.language import say
from shared.roles import Role
from suite.errors import Stop
from suite.obstacles import alone

LIST = "backup.json"
KEYS = ("admin.key", "internal.secret")
_LOCK_SECONDS, _LET_GO_SECONDS = 0.5, 0.3
_TRIES = 40


def make(databases: Mapping[str, Path], data_dir: Path, target: Path) -> int:
    """Copy the databases (by name) and the keys of `data_dir` into the new folder `target`; the bytes copied. Raises Stop."""
    if target.exists():
        raise Stop(
            say(
                f"{target} is there already. A backup is a new folder of its own.",
                f"{target} 已存在。备份要放进一个新目录。",
            )
        )
    missing = ", ".join(str(path) for path in databases.values() if not path.exists())
    if missing:
        raise Stop(
            say(
                f"There is nothing to copy: {missing} is missing. Say by --data-dir where the suite keeps its data.",
                f"没有可备份的内容：缺少 {missing}。用 --data-dir 指明套件的数据目录。",
            )
        )
    private_files.make_folder(target.parent)
    fresh = target.with_name(f".{target.name}.{token_hex(8)}")
    fresh.mkdir(mode=0o700)
    try:
        with _as_of_one_moment(databases) as (moment, readers):
            for name, reader in readers.items():
                _copy_database(reader, fresh / f"{name}.db")
        for key in KEYS:
            if (data_dir / key).exists():
                private_files.write(fresh / key, (data_dir / key).read_text().strip())
        files = {path.name: _digest(path) for path in sorted(fresh.iterdir())}
        private_files.write(fresh / LIST, json.dumps({"made_at": moment.isoformat(), "sha256": files}, indent=1))
        fresh.rename(target)
    except BaseException:
        shutil.rmtree(fresh, ignore_errors=True)
        raise
    return sum(path.stat().st_size for path in target.iterdir())


def put_back(source: Path, databases: Mapping[str, Path], data_dir: Path, *, replace: bool) -> datetime:
    """Make the data those of the backup `source`; the moment that it is of. Raises Stop.

    With `replace`, data that are there are moved into a folder beside them, never removed. Killed half-way, it is run again.
    """
    listed = _read(source)
    wanted = {f"{name}.db": path for name, path in databases.items()} | {key: data_dir / key for key in KEYS}
    unknown = ", ".join(name for name in wanted if name.endswith(".db") and name not in listed["sha256"])
    if unknown:
        raise Stop(
            say(
                f"{source} has no {unknown}: it is not a backup of the whole suite.",
                f"{source} 缺 {unknown}：不是整套备份。",
            )
        )
    wanted = {name: path for name, path in wanted.items() if name in listed["sha256"]}
    with alone(data_dir, Role.ALL):
        there = [one for path in wanted.values() for one in _with_companions(path) if one.exists()]
        if there and not replace:
            raise Stop(
                say(
                    f"{data_dir} holds data already. With --replace they are moved aside; nothing is removed.",
                    f"{data_dir} 里已有数据。加上 --replace 会先把它们移到一旁，不会删除。",
                )
            )
        fresh = [(_fresh(source / name, path), path) for name, path in wanted.items()]
        aside = data_dir / f"replaced-{datetime.now(UTC):%Y%m%d-%H%M%S}-{token_hex(2)}"
        for one in there:
            aside.mkdir(mode=0o700, exist_ok=True)
            one.replace(aside / one.name)
        for copy, path in fresh:
            copy.replace(path)
        for folder in {path.parent for path in wanted.values()}:
            _flush(folder)
    return datetime.fromisoformat(listed["made_at"])


def _fresh(source: Path, path: Path) -> Path:
    """A copy beside `path`, safe on the disk; those of a restore that was killed are gone."""
    private_files.make_folder(path.parent)
    for left in path.parent.glob(f".{path.name}.*"):
        left.unlink()
    copy = path.with_name(f".{path.name}.{token_hex(8)}")
    private_files.touch(copy)
    shutil.copyfile(source, copy)
    _flush(copy)
    return copy


@contextmanager
def _as_of_one_moment(databases: Mapping[str, Path]) -> Iterator[tuple[datetime, dict[str, sqlite3.Connection]]]:
    """Connections that see their databases as they were at one and the same moment, which comes with them."""
    with ExitStack() as readers:
        with _held(databases.values()):
            moment, seen = datetime.now(UTC), {}
            for name, path in databases.items():
                seen[name] = readers.enter_context(closing(_open(path)))
                seen[name].execute("BEGIN")
                seen[name].execute(
                    "SELECT count(*) FROM sqlite_master"
                ).fetchone()  # from here on it sees nothing newer
        yield moment, seen


@contextmanager
def _held(paths: Collection[Path]) -> Iterator[None]:
    """Nobody else writes any of them inside the block.

    Who holds one may wait for another that is held here: then all are let go, longer than such a wait looks away (0.1 s).
    """
    with ExitStack() as writers:
        for left in reversed(range(_TRIES)):
            try:
                for path in paths:
                    writers.enter_context(closing(_open(path))).execute("BEGIN IMMEDIATE")
                break
            except sqlite3.OperationalError as error:
                if not left:
                    raise Stop(
                        say(
                            f"The databases stay in use for writing: {error}. Try again.",
                            f"数据库一直在写入：{error}。请重试。",
                        )
                    ) from error
                writers.close()
                time.sleep(_LET_GO_SECONDS)
        yield


def _open(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{path.absolute().as_uri()}?mode=rw", uri=True, isolation_level=None, timeout=_LOCK_SECONDS)


def _copy_database(reader: sqlite3.Connection, path: Path) -> None:
    private_files.touch(path)
    found = ""
    try:
        with closing(sqlite3.connect(path, isolation_level=None)) as copy:
            reader.backup(copy)
            copy.execute("PRAGMA journal_mode=DELETE")  # one file, which nobody has to open for writing to read it
            (found,) = copy.execute("PRAGMA quick_check").fetchone()
    except sqlite3.DatabaseError as error:
        found = str(error)
    if found != "ok":
        name = path.stem
        raise Stop(
            say(
                f"The database of {name} can't be copied: {found}. Keep what there is, and restore an earlier backup.",
                f"{name} 的数据库无法复制：{found}。请保留现状，并恢复更早的备份。",
            )
        )
    _flush(path)


def _read(source: Path) -> dict[str, Any]:
    try:
        listed: dict[str, Any] = json.loads((source / LIST).read_text())
        files: dict[str, str] = listed["sha256"]
        datetime.fromisoformat(listed["made_at"])
        bad = ", ".join(
            name for name, digest in files.items() if Path(name).name != name or _digest(source / name) != digest
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        raise Stop(
            say(
                f"{source} is no backup of Quanyu, or not whole: `quanyu backup` makes a folder with {LIST} in it.",
                f"{source} 不是 Quanyu 的备份，或不完整：`quanyu backup` 生成的目录里有 {LIST}。",
            )
        ) from None
    if bad:
        raise Stop(
            say(
                f"{source} is damaged: {bad} is not as it was written. Nothing was changed.",
                f"{source} 已损坏：{bad} 与写入时不同。什么都没有改动。",
            )
        )
    return listed


def _with_companions(path: Path) -> tuple[Path, ...]:
    return (path, *(path.with_name(path.name + end) for end in ("-wal", "-shm")))


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
