"""What a test run leaves behind when it is killed, and how the next run removes it.

A run notes in a file what it makes on the servers. Its child processes carry its name in their environment. The file and
the children of a run whose process is gone are taken by the next run.
"""

import json
import os
import signal
import tempfile
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

MARK = "PYTEST_RUN_OF_QUANYU"  # not QUANYU_…: those are settings, which tests keep from what they start
_PROC = Path("/proc")


def name_of(pid: int) -> str | None:
    """The process's id and its start time, as ids are given out again; None when there is no such process."""
    if not _PROC.exists():
        try:
            os.kill(pid, 0)
        except OSError:
            return None
        return f"{pid}_0"
    try:
        fields = (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] == "Z" else f"{pid}_{fields[19]}"


def this_run() -> str:
    """The name of this run: its first process's. Workers and children inherit it."""
    return os.environ.setdefault(MARK, name_of(os.getpid()) or str(os.getpid()))


def is_over(run: str) -> bool:
    pid = run.partition("_")[0]
    return not pid.isdigit() or name_of(int(pid)) != run


class Ledger:
    """What one process of a run has made outside of it: kinds and names, such as database and its name."""

    def __init__(self, folder: Path, worker: str) -> None:
        self._folder = folder
        self._folder.mkdir(mode=0o700, exist_ok=True)
        self._file = self._folder / f"{this_run()}.{worker}.json"
        self._made: list[tuple[str, str]] = []

    def note(self, kind: str, name: str) -> None:
        """Before it is made: what is noted and not there does no harm."""
        self._made.append((kind, name))
        self._write()

    def forget(self, kind: str, name: str) -> None:
        self._made.remove((kind, name))
        self._write()

    def _write(self) -> None:
        if self._made:
            self._file.write_text(json.dumps(self._made))
        else:
            self._file.unlink(missing_ok=True)

    def left_behind(self) -> Iterator[tuple[str, str]]:
        """What runs that are over have noted. Each file is gone once all of it was taken."""
        for file in sorted(self._folder.glob("*.json")):
            if is_over(file.name.partition(".")[0]):
                try:
                    made = json.loads(file.read_text())
                except (OSError, ValueError):
                    made = []  # another run takes it, or its writer was killed while it wrote
                yield from ((kind, name) for kind, name in made)
                file.unlink(missing_ok=True)


@lru_cache
def ledger() -> Ledger:
    """This process's own."""
    folder = Path(tempfile.gettempdir()) / f"quanyu-tests-{os.getuid()}"
    return Ledger(folder, os.environ.get("PYTEST_XDIST_WORKER", "master"))


def kill_orphans() -> list[int]:
    """End the child processes of runs that are over; answers their ids."""
    ended = []
    for place in _PROC.glob("[0-9]*/environ"):
        try:
            variables = place.read_bytes().split(b"\0")
        except OSError:
            continue  # not ours to read, or gone
        runs = [one.partition(b"=")[2].decode() for one in variables if one.startswith(MARK.encode() + b"=")]
        pid = int(place.parent.name)
        if runs and pid != os.getpid() and is_over(runs[0]):
            try:
                os.kill(pid, signal.SIGKILL)
            except OSError:
                continue
            ended.append(pid)
    return ended
