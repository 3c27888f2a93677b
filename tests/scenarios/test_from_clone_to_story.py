"""A machine with one Python and nothing of ours: from a clone to the end of the story, and never silent for half a minute."""

import asyncio
import os
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

import pytest
from kit import pythons

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
LONGEST_SILENCE = 30.0


def clone(folder: Path) -> None:
    """What git would bring: every file that is tracked, as it is now."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout
    for name in filter(None, listed.decode().split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)


def only(python: Path, folder: Path) -> str:
    """A PATH with the tools of the machine and this Python alone."""
    folder.mkdir()
    (folder / python.name).symlink_to(python)
    for tool in ("sh", "make", "awk", "rm", "touch", "mkdir"):
        (folder / tool).symlink_to(shutil.which(tool) or "")
    return str(folder)


@pytest.mark.parametrize("version", pythons.installed())
async def test_from_clone_to_story(version: str, tmp_path: Path) -> None:
    there = tmp_path / "quanyu"
    clone(there)
    with socket.socket() as free, socket.socket() as partner:
        free.bind(("127.0.0.1", 0))
        partner.bind(("127.0.0.1", 0))
        port, tour_port = free.getsockname()[1], partner.getsockname()[1]
    own = {name: os.environ[name] for name in os.environ if name.startswith("PIP_")}
    process = await asyncio.create_subprocess_exec(
        "make", "run", f"PORT={port}",
        cwd=there, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT, start_new_session=True,
        env={
            **own, "PATH": only(pythons.installed()[version], tmp_path / "bin"), "HOME": str(tmp_path),
            "QUANYU_TOUR_PORT": str(tour_port), "LC_ALL": "C.UTF-8",
        },
    )  # fmt: skip
    said, silences, heard = "", [], time.monotonic()
    try:
        assert process.stdout is not None
        async with asyncio.timeout(400):
            while "  Stop " not in said and (line := await process.stdout.readline()):
                said += line.decode()
                silences.append(time.monotonic() - heard)
                heard = time.monotonic()
    finally:
        if process.returncode is None:
            os.killpg(process.pid, signal.SIGINT)
        await process.communicate()
    assert "The story is complete" in said, said
    assert f"(Python {version}." in said
    assert "Warning" not in said, said
    assert max(silences) < LONGEST_SILENCE, said
