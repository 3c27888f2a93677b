"""What a part writes down is its owner's alone, whatever the umask; and all who share a secret get the same one."""

import asyncio
import os
import sqlite3
import stat
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing
from multiprocessing import get_context
from pathlib import Path

import pytest
from pydantic import ValidationError
from sqlalchemy import text

from shared import private_files
from shared.db import Database
from shared.settings import KNOWN_SECRETS, ServiceSettings

pytestmark = pytest.mark.skipif(os.name != "posix", reason="rights of files are POSIX's")


@pytest.fixture(autouse=True)
def _careless_umask() -> Iterator[None]:
    before = os.umask(0o000)
    yield
    os.umask(before)


def rights(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def files_in(folder: Path) -> list[Path]:
    return list(folder.iterdir())


async def _work(database: Database) -> None:
    async with database.write() as tx:
        await tx.execute(text("CREATE TABLE IF NOT EXISTS t (x)"))
        await tx.execute(text("INSERT INTO t VALUES (1)"))


async def test_a_database_and_the_files_beside_it_are_private(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    database = Database(f"sqlite:///{folder}/coupon.db", schema="coupon")
    await _work(database)
    assert {path.name for path in files_in(folder)} == {"coupon.db", "coupon.db-wal", "coupon.db-shm"}
    assert {rights(path) for path in files_in(folder)} == {0o600}
    assert rights(folder) == 0o700
    await database.close()


async def test_a_database_that_stood_open_is_closed_to_others(tmp_path: Path) -> None:
    path = tmp_path / "coupon.db"
    with closing(sqlite3.connect(path)) as old:
        old.execute("PRAGMA journal_mode=WAL")
        old.execute("CREATE TABLE t (x)")
        assert private_files.open_to_others(path)
        database = Database(f"sqlite:///{path}", schema="coupon")
        await _work(database)
        assert [one for one in files_in(tmp_path) if private_files.open_to_others(one)] == []
        await database.close()


async def test_another_connection_of_the_process_keeps_its_lock(tmp_path: Path) -> None:
    """Opening and closing the file once more would end every lock that this process holds on it."""
    path = tmp_path / "coupon.db"
    first, second = (Database(f"sqlite:///{path}", schema="coupon") for _ in range(2))
    await _work(first)
    async with first.write() as tx:
        await tx.execute(text("INSERT INTO t VALUES (2)"))
        waiting = asyncio.create_task(_work(second))
        await asyncio.sleep(0.2)
        assert not waiting.done()
    await waiting
    await first.close()
    await second.close()


def test_a_secret_is_made_once_and_kept(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    secret = ServiceSettings(data_dir=folder).resolved_internal_secret()
    assert len(secret) >= 43
    assert ServiceSettings(data_dir=folder).resolved_internal_secret() == secret
    assert (rights(folder), rights(folder / "internal.secret")) == (0o700, 0o600)
    assert [path.name for path in folder.iterdir()] == ["internal.secret"]
    assert ServiceSettings(data_dir=tmp_path / "other").resolved_internal_secret() != secret
    given = ServiceSettings(data_dir=folder, internal_secret="one-of-their-own-making")
    assert given.resolved_internal_secret() == "one-of-their-own-making"


def _secret(folder: Path) -> str:
    return ServiceSettings(data_dir=folder).resolved_internal_secret()


def test_parts_that_start_at_once_agree_on_one_secret(tmp_path: Path) -> None:
    with ProcessPoolExecutor(4, mp_context=get_context("forkserver")) as parts:
        for number in range(10):
            folder = tmp_path / str(number)
            assert len(set(parts.map(_secret, [folder] * 8))) == 1


def test_a_file_that_holds_no_secret_is_refused(tmp_path: Path) -> None:
    (tmp_path / "internal.secret").write_text("short\n")
    with pytest.raises(OSError, match="fewer than 16"):
        ServiceSettings(data_dir=tmp_path).resolved_internal_secret()


@pytest.mark.parametrize("known", sorted(KNOWN_SECRETS))
def test_a_secret_that_everybody_knows_is_refused(known: str) -> None:
    with pytest.raises(ValidationError, match="everybody can read"):
        ServiceSettings(internal_secret=known)


def test_a_file_is_replaced_whole(tmp_path: Path) -> None:
    path = tmp_path / "new" / "admin.key"
    private_files.write(path, "first")
    private_files.write(path, "second")
    assert (path.read_text(), rights(path), rights(path.parent)) == ("second\n", 0o600, 0o700)
    assert list(path.parent.iterdir()) == [path]


def test_a_folder_that_stood_open_is_closed_where_nothing_else_lies_in_it(tmp_path: Path) -> None:
    ours, shared, everybodys = (tmp_path / name for name in ("ours", "shared", "everybodys"))
    for folder, mode in ((ours, 0o755), (shared, 0o755), (everybodys, 0o1777)):
        folder.mkdir()
        folder.chmod(mode)
        (folder / "coupon.db").touch()
    (shared / "notes.txt").touch()
    for folder in (ours, shared, everybodys):
        private_files.make_folder(folder)
    assert [rights(folder) for folder in (ours, shared, everybodys)] == [0o700, 0o755, 0o1777]
