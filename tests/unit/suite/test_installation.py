"""The set-up shows how far it is, and what pip said when it fails. On made-up packages, without a network."""

import os
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path

import pytest

from suite.installation import Progress

ROOT = Path(__file__).parents[3]
PIP = """
import sys, time
if "--editable" in sys.argv:
    print("Obtaining file:///somewhere"); sys.exit(0)
for name in ("fastapi", "rich"):
    print(f"Collecting {name}==1.0 (from -r requirements.lock (line 1))", flush=True)
print("Installing collected packages: fastapi, rich", flush=True)
time.sleep(float("WAIT"))
if CODE: print("ERROR: No matching distribution found for rich==1.0", file=sys.stderr)
sys.exit(CODE)
"""
LOCK = "fastapi==1.0 \\\n    --hash=sha256:0\nrich==1.0 \\\n    --hash=sha256:0\n"


@pytest.fixture
def lock(tmp_path: Path) -> Path:
    (tmp_path / "pip").mkdir()
    (tmp_path / "pip" / "__init__.py").touch()  # before the real one
    path = tmp_path / "requirements.lock"
    path.write_text(LOCK)
    return path


def installed(lock: Path, wait: float, code: int) -> subprocess.Popen[str]:
    """The script with a pip that waits so long before it ends with that code."""
    (lock.parent / "pip" / "__main__.py").write_text(PIP.replace("WAIT", str(wait)).replace("CODE", str(code)))
    return subprocess.Popen(
        [sys.executable, "-P", str(ROOT / "suite" / "installation.py"), str(lock)],
        env={**os.environ, "PYTHONPATH": str(lock.parent), "PYTHONUNBUFFERED": ""}, cwd=lock.parent,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip


def test_how_far_it_is() -> None:
    progress = Progress(3)
    for line in (
        "Ignoring colorama: markers 'sys_platform == \"win32\"' don't match your environment",
        "Collecting fastapi==0.165.0 (from -r requirements.lock (line 9))",
        "  Downloading fastapi-0.165.0-py3-none-any.whl (90 kB)",
    ):
        progress.take(line)
    assert progress.told(3.4) == "1 of 2 packages · fastapi · 3 s"
    progress.take("Requirement already satisfied: rich==15.0 in ./lib")
    assert progress.told(4) == "2 of 2 packages · rich · 4 s"
    progress.take("Installing collected packages: fastapi, rich")
    assert "unpacking" in progress.told(5)


def test_it_is_never_silent_for_long(lock: Path) -> None:
    """Not on a terminal here: a line each ten seconds, and the first at once."""
    started = time.monotonic()
    with installed(lock, 11, 0) as running:
        assert running.stdout is not None
        lines = [(line, time.monotonic() - started) for line in running.stdout]
    assert running.returncode == 0
    times = [0, *(at for _, at in lines)]
    assert max(after - before for before, after in pairwise(times)) < 11
    assert [line for line, _ in lines if "2 of 2 packages · unpacking" in line]
    assert "All packages are there" in lines[-1][0]


def test_what_pip_says_is_shown_when_it_fails(lock: Path) -> None:
    with installed(lock, 0, 3) as running:
        said = running.communicate(timeout=60)[0]
    assert running.returncode == 3
    assert "The packages could not be installed; pip says why" in said
    assert "ERROR: No matching distribution found for rich==1.0" in said
    assert "All packages" not in said
