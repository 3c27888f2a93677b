"""`quanyu backup` and `quanyu restore`: one moment of all databases, whole or not at all, nothing lost on the way back."""

import json
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from shared import private_files
from shared.roles import Role
from suite import backups
from suite.errors import Stop
from suite.obstacles import alone

NAMES = ("coupon", "journey", "bus")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    private_files.make_folder(folder)
    for path in files(folder).values():
        with closing(sqlite3.connect(path)) as made:
            made.execute("PRAGMA journal_mode=WAL")
            made.execute("CREATE TABLE t (n INTEGER PRIMARY KEY, filling BLOB)")
    (folder / "admin.key").write_text("key\n")
    (folder / "notes.txt").write_text("theirs")
    return folder


def files(folder: Path) -> dict[str, Path]:
    return {name: folder / f"{name}.db" for name in NAMES}


def counted(folder: Path) -> list[int]:
    found = []
    for path in files(folder).values():
        with closing(sqlite3.connect(path)) as database:
            found.append(database.execute("SELECT count(*) FROM t").fetchone()[0])
    return found


@contextmanager
def writing(folder: Path) -> Iterator[None]:
    """Somebody who writes each fact into one database after the other, as the suite does when parts tell each other."""
    ended, failed = threading.Event(), []

    def write() -> None:
        number = 0
        databases = [sqlite3.connect(path, isolation_level=None, timeout=30) for path in files(folder).values()]
        try:
            while not ended.is_set():
                number += 1
                for database in databases:
                    database.execute("INSERT INTO t VALUES (?, zeroblob(2000))", (number,))
        except sqlite3.Error as error:
            failed.append(error)
        finally:
            for database in databases:
                database.close()

    thread = threading.Thread(target=write)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
    assert failed == []


def test_a_backup_under_load_is_one_moment_of_all_databases(data: Path, tmp_path: Path) -> None:
    with writing(data):
        for number in range(8):
            backups.make(files(data), data, tmp_path / str(number))
    moments = [counted(tmp_path / str(number)) for number in range(8)]
    assert moments == sorted(moments)
    assert moments[0] != moments[-1], "somebody wrote meanwhile"
    for first, second, third in moments:
        assert first >= second >= third >= first - 1
    made = [*(tmp_path / "0").iterdir()]
    assert {path.name for path in made} == {*(f"{name}.db" for name in NAMES), "admin.key", "backup.json"}
    assert [path for path in (tmp_path / "0", *made) if private_files.open_to_others(path)] == []


def test_who_waits_for_a_lock_in_another_order_is_let_go_first(data: Path, tmp_path: Path) -> None:
    """A transaction in `bus` that waits for `coupon`: the backup lets go instead of both waiting for ever."""
    holds, ended = threading.Event(), threading.Event()

    def work() -> None:
        with (
            closing(sqlite3.connect(data / "bus.db", isolation_level=None)) as bus,
            closing(sqlite3.connect(data / "coupon.db", isolation_level=None, timeout=30)) as coupon,
        ):
            bus.execute("BEGIN IMMEDIATE")
            holds.set()
            ended.wait(0.5)
            coupon.execute("INSERT INTO t VALUES (1, NULL)")
            bus.execute("COMMIT")

    thread = threading.Thread(target=work)
    thread.start()
    holds.wait()
    backups.make(files(data), data, tmp_path / "copy")
    thread.join()
    assert counted(tmp_path / "copy") == [1, 0, 0]


def test_what_was_wiped_comes_back_and_nothing_else_changes(data: Path, tmp_path: Path) -> None:
    with closing(sqlite3.connect(data / "coupon.db")) as database, database:
        database.execute("INSERT INTO t VALUES (7, NULL)")
    backups.make(files(data), data, tmp_path / "copy")
    new = tmp_path / "new"
    moment = backups.put_back(tmp_path / "copy", files(new), new, replace=False)
    assert json.loads((tmp_path / "copy" / "backup.json").read_text())["made_at"] == moment.isoformat()
    assert counted(new) == [1, 0, 0]
    assert (new / "admin.key").read_text() == "key\n"
    assert [path for path in (new, *new.iterdir()) if private_files.open_to_others(path)] == []
    assert [path.name for path in new.iterdir() if path.name.startswith(".")] == []


def test_data_that_are_there_are_moved_aside_and_only_on_request(data: Path, tmp_path: Path) -> None:
    backups.make(files(data), data, tmp_path / "copy")
    with closing(sqlite3.connect(data / "coupon.db")) as database, database:
        database.execute("INSERT INTO t VALUES (7, NULL)")
    with pytest.raises(Stop, match="holds data already"):
        backups.put_back(tmp_path / "copy", files(data), data, replace=False)
    assert counted(data) == [1, 0, 0]
    backups.put_back(tmp_path / "copy", files(data), data, replace=True)
    assert counted(data) == [0, 0, 0]
    (aside,) = data.glob("replaced-*")
    assert counted(aside) == [1, 0, 0]
    assert (data / "notes.txt").read_text() == "theirs"


def test_a_running_suite_is_not_overwritten(data: Path, tmp_path: Path) -> None:
    backups.make(files(data), data, tmp_path / "copy")
    with alone(data, Role.WORKER), pytest.raises(Stop, match="keeps its data in"):
        backups.put_back(tmp_path / "copy", files(data), data, replace=True)


@pytest.mark.parametrize("harm", ["changed", "missing", "no list", "another's"])
def test_a_backup_that_is_not_whole_is_refused_before_anything_changes(data: Path, tmp_path: Path, harm: str) -> None:
    copy = tmp_path / "copy"
    backups.make(files(data), data, copy)
    before = {path.name: path.read_bytes() for path in data.iterdir()}
    match harm:
        case "changed":
            (copy / "bus.db").write_bytes((copy / "bus.db").read_bytes()[:-1] + b"x")
        case "missing":
            (copy / "journey.db").unlink()
        case "no list":
            (copy / "backup.json").unlink()
        case "another's":
            listed = json.loads((copy / "backup.json").read_text())
            listed["sha256"]["../../etc/passwd"] = "0" * 64
            (copy / "backup.json").write_text(json.dumps(listed))
    with pytest.raises(Stop, match=r"Nothing was changed|is no backup"):
        backups.put_back(copy, files(data), data, replace=True)
    assert {path.name: path.read_bytes() for path in data.iterdir()} == before


def test_a_damaged_database_makes_no_backup(data: Path, tmp_path: Path) -> None:
    with closing(sqlite3.connect(data / "journey.db")) as database, database:
        database.executemany("INSERT INTO t VALUES (?, zeroblob(3000))", [(number,) for number in range(50)])
        database.execute("PRAGMA journal_mode=DELETE")
    with (data / "journey.db").open("r+b") as file:
        file.seek(8192)
        file.write(b"\xff" * 8192)
    with pytest.raises(Stop, match=r"journey can.t be copied"):
        backups.make(files(data), data, tmp_path / "copy")
    assert [path.name for path in tmp_path.iterdir()] == ["data"]


def test_a_backup_takes_no_place_of_another_and_needs_data(data: Path, tmp_path: Path) -> None:
    with pytest.raises(Stop, match="is there already"):
        backups.make(files(data), data, data)
    with pytest.raises(Stop, match="nothing to copy"):
        backups.make(files(tmp_path), tmp_path, tmp_path / "copy")


@pytest.mark.parametrize("after", range(8))
def test_a_restore_that_was_killed_anywhere_is_run_again(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, after: int
) -> None:
    backups.make(files(data), data, tmp_path / "copy")
    for number, path in enumerate(files(data).values()):
        with closing(sqlite3.connect(path)) as database, database:
            database.executemany("INSERT INTO t VALUES (?, NULL)", [(one,) for one in range(number + 1)])
    replace, moves = Path.replace, iter(range(100))

    def killed(path: Path, target: Path) -> Path:
        if next(moves) == after:
            raise KeyboardInterrupt
        return replace(path, target)

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(Path, "replace", killed)
        backups.put_back(tmp_path / "copy", files(data), data, replace=True)
    backups.put_back(tmp_path / "copy", files(data), data, replace=True)
    assert counted(data) == [0, 0, 0]
    assert [path.name for path in data.iterdir() if path.name.startswith(".")] == []
    kept = {path.name: path for aside in data.glob("replaced-*") for path in aside.iterdir()}
    lost = [
        name for number, name in enumerate(NAMES) if not any(holds(path, number + 1) for path in aside_of(data, name))
    ]
    assert (lost, "admin.key" in kept) == ([], True)


def aside_of(data: Path, name: str) -> list[Path]:
    return [path for aside in data.glob("replaced-*") for path in aside.glob(f"{name}.db")]


def holds(path: Path, rows: int) -> bool:
    with closing(sqlite3.connect(path)) as database:
        return bool(database.execute("SELECT count(*) = ? FROM t", (rows,)).fetchone()[0])
