"""What a start costs, by what it loads and keeps: counts and sizes, since seconds are another thing on every machine."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from shared.version import VERSION

ROOT = Path(__file__).parents[3]
TELL = (
    "import json, os, sys\n"
    "from suite.__main__ import run\n"
    "sys.argv = ['quanyu', *sys.argv[1:]]\n"
    "try: run()\n"
    "except SystemExit: pass\n"
    "print(json.dumps(sorted(sys.modules)), file=sys.stderr)\n"
)
FOR_FEW = ("alembic", "redis", "aio_pika", "liquid", "cryptography", "xlsxwriter", "segno", "opentelemetry.sdk", "mako")
"""Libraries that a suite without the servers and features that need them never loads."""
FOR_NO_HELP = ("pydantic", "sqlalchemy", "fastapi", "httpx", "structlog", "asyncio", "services", "gateway")
MOST_MODULES_OF_HELP = 420
MOST_MODULES_OF_A_START = 1_950
MOST_MEGABYTES = 175
"""Resident, once a suite without callers is up: 135 to 150 here, 188 before the libraries above were left out."""


def loaded(folder: Path, *arguments: str) -> set[str]:
    """The modules of a program that was called like this."""
    there = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", TELL, *arguments]
    done = subprocess.run(command, cwd=folder, env=there, capture_output=True, timeout=60, check=True)
    return set(json.loads(done.stderr))


def of(names: Sequence[str], modules: set[str]) -> set[str]:
    """Those of the libraries that are among the modules."""
    return {name for name in names if any(one == name or one.startswith(f"{name}.") for one in modules)}


@pytest.mark.parametrize("arguments", [("--help",), ("--lang", "zh", "--version")])
def test_help_loads_what_it_shows_and_nothing_that_works(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    modules = loaded(tmp_path, *arguments)
    assert of((*FOR_FEW, *FOR_NO_HELP), modules) == set()
    assert len(modules) < MOST_MODULES_OF_HELP


def test_the_version_is_said_at_once_and_is_the_package_s(tmp_path: Path) -> None:
    assert f'\nversion = "{VERSION}"\n' in (ROOT / "pyproject.toml").read_text()
    there = {**os.environ, "PYTHONPATH": str(ROOT)}
    for arguments in (("--version",), ("--lang", "zh", "--version")):
        done = subprocess.run(
            [sys.executable, "-m", "suite", *arguments],
            cwd=tmp_path,
            env=there,
            capture_output=True,
            timeout=60,
            check=True,
        )
        assert done.stdout.decode() == f"quanyu {VERSION}\n"
    assert "typer" not in loaded(tmp_path, "--version")


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_start_says_what_it_does_and_loads_and_keeps_what_it_needs(tmp_path: Path) -> None:
    """The second start on a folder: the first one makes tables."""
    there = {**os.environ, "PYTHONPATH": str(ROOT), "LANG": "C.UTF-8"}
    program = [sys.executable, "-X", "importtime", "-m", "suite"]
    subprocess.run([*program, "migrate"], cwd=tmp_path, env=there, capture_output=True, timeout=120, check=True)
    screen, terminal = os.openpty()
    said = b""
    with (tmp_path / "imports").open("wb") as imports:
        child = subprocess.Popen(
            [*program, "serve", "--port", "0"], cwd=tmp_path, env=there, stdin=terminal, stdout=terminal, stderr=imports
        )
    os.close(terminal)
    try:
        while b"Ctrl-C" not in said:
            said += os.read(screen, 4096)
        status = Path(f"/proc/{child.pid}/status").read_text()
    finally:
        child.send_signal(signal.SIGTERM)
        child.wait(60)
        os.close(screen)
    lines = [line.strip() for line in said.decode().splitlines()]
    assert lines[0] == "Quanyu starts …"
    assert "Tables and services  coupon, segments, journey, inventory, gateway" in lines
    modules = set(re.findall(r"^import time:.*\| +(\S+)$", (tmp_path / "imports").read_text(), re.MULTILINE))
    assert "services.coupon.app" in modules
    assert of(FOR_FEW, modules) == set()
    assert len(modules) < MOST_MODULES_OF_A_START
    assert int(status.split("VmRSS:")[1].split()[0]) < MOST_MEGABYTES * 1024
