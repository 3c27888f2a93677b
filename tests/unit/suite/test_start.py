"""How the program starts where something stands in its way: a word to the person, and never a traceback."""

import os
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from kit.cli import Call

from shared import private_files
from shared.roles import Role
from suite.errors import Stop
from suite.obstacles import alone

FEW_LETTERS = {"PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "LC_ALL": "C", "PYTHONIOENCODING": "ascii"}
ROOT = Path(__file__).parents[3]


def started(folder: Path, *arguments: str, **environment: str) -> tuple[int, bytes, bytes]:
    """The program in a process of its own, in an empty folder."""
    command = [sys.executable, "-m", "suite", *arguments]
    there = {**os.environ, "PYTHONPATH": str(ROOT), **environment}
    done = subprocess.run(command, cwd=folder, env=there, capture_output=True, timeout=120, check=False)
    return done.returncode, done.stdout, done.stderr


def test_ctrl_c_while_the_program_loads_ends_it_without_a_word(tmp_path: Path) -> None:
    """Pressed in the middle of the imports, when nothing of ours could catch it."""
    interrupting = (
        "import os, signal, sys\n"
        "class Pressed:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name == 'suite.cli': os.kill(os.getpid(), signal.SIGINT)\n"
        "sys.meta_path.insert(0, Pressed())\n"
        "from suite.__main__ import run\n"
        "run()\n"
    )
    there = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", interrupting], cwd=tmp_path, env=there, capture_output=True, timeout=60, check=False,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr) == (-signal.SIGINT, b"", b"")


def test_a_terminal_that_knows_no_chinese_and_a_chinese_folder(tmp_path: Path) -> None:
    code, out, err = started(tmp_path, "migrate", "coupon", "--data-dir", "数据", **FEW_LETTERS)
    assert (code, b"Ready" in out, err) == (0, True, b"")
    assert (tmp_path / "数据" / "coupon.db").exists()
    code, _, err = started(tmp_path, "keys", "list", "--data-dir", "数据", **FEW_LETTERS)
    assert (code, b"Traceback" in err, b"/admin.key" in err) == (1, False, True)


def test_a_database_of_a_newer_version(quanyu: Call, tmp_path: Path) -> None:
    assert quanyu("migrate", "coupon")[0] == 0
    with closing(sqlite3.connect(tmp_path / "data" / "coupon.db")) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    for command in (("migrate", "coupon"), ("serve", "--port", "0")):
        code, _, said = quanyu(*command)
        assert (code, "coupon was made by a newer version" in said, "9999" in said) == (1, True, True)


def test_two_suites_on_one_folder(quanyu: Call, tmp_path: Path) -> None:
    lock = tmp_path / "data" / "suite.lock"
    with private_files.held(lock):
        code, _, said = quanyu("serve", "--port", "0")
        assert (code, f"process {os.getpid()}" in said, "--data-dir" in said) == (1, True, True)
        with alone(tmp_path / "data", Role.WORKER), pytest.raises(Stop), alone(tmp_path / "data", Role.ALL):
            pass
    with private_files.held(lock):
        pass


def test_files_of_another_user_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "data").mkdir()
    file = tmp_path / "data" / "bus.db"
    assert private_files.trouble(file) is None
    assert private_files.trouble(tmp_path / "new" / "bus.db") is None
    file.write_text("")
    monkeypatch.setattr(os, "access", lambda path, _: path != file)  # whoever runs the tests may be allowed everything
    assert str(file) in str(private_files.trouble(file))
    monkeypatch.setattr(os, "access", lambda path, _: path != file.parent)
    assert str(file.parent) in str(private_files.trouble(file.parent / "other.db"))
    assert str(file) in str(private_files.trouble(file / "under.db"))
