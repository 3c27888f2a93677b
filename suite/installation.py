"""Installs a lock file and the program itself into the environment that runs this, and shows how far it is.

`make` runs it before anything is there: it needs the standard library alone, and no folder of ours on the path.

    .venv/bin/python -P suite/installation.py requirements.lock
"""

import re
import subprocess
import sys
import time
from collections import deque
from collections.abc import Iterator
from io import TextIOWrapper
from pathlib import Path
from queue import Empty, Queue
from threading import Thread

PIP = (sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-input", "install", "--progress-bar=off")
LAST_LINES = 15  # of what pip said, when it fails


class Progress:
    """How far pip is, from its own lines: `Collecting x`, `Ignoring x: markers …`, `Installing collected packages`."""

    def __init__(self, packages: int) -> None:
        self._packages = packages
        self._found = 0
        self._doing = "looking for packages"

    def take(self, line: str) -> None:
        """One line of pip."""
        word, _, rest = line.strip().partition(" ")
        if word == "Ignoring":
            self._packages -= 1
        elif word == "Collecting" or line.startswith("Requirement already satisfied"):
            self._found += 1
            self._doing = re.split(r"[=<> ]", rest.removeprefix("already satisfied: "))[0]
        elif line.startswith("Installing collected packages"):
            self._doing = "unpacking them 安装"
        elif line.startswith("Obtaining "):
            self._doing = "Quanyu itself"

    def told(self, seconds: float) -> str:
        """For a person: `34 of 58 packages · sqlalchemy · 12 s`."""
        return f"{self._found} of {self._packages} packages · {self._doing} · {seconds:.0f} s"


class Screen:
    """One line that changes on a terminal, a line now and then elsewhere."""

    def __init__(self) -> None:
        self._live = sys.stdout.isatty()
        self.pause = 1 if self._live else 10  # seconds

    def show(self, text: str) -> None:
        """How far it is."""
        self._write(f"\r   {text}\x1b[K" if self._live else f"   {text}\n")

    def say(self, text: str) -> None:
        """A line that stays."""
        self._write(f"\r{text}\x1b[K\n" if self._live else f"{text}\n")

    def _write(self, text: str) -> None:
        sys.stdout.write(text)
        sys.stdout.flush()


def install(lock: Path) -> int:
    """Install all of it; the exit code. What pip said is shown only when it fails."""
    started, screen = time.monotonic(), Screen()
    progress = Progress(len(re.findall(r"^\S+==", lock.read_text(encoding="utf-8"), re.M)))
    screen.say(f"Installing the packages of {lock.name}, once 安装依赖（只需一次）")
    # The lock has every package with its hash; ours is editable, so a change of the code needs no new installation.
    for what in (["--no-deps", "--require-hashes", "-r", str(lock)], ["--no-deps", "--editable", "."]):
        said: deque[str] = deque(maxlen=LAST_LINES)
        # S603: an argument list of our own, no shell
        with subprocess.Popen(  # noqa: S603
            [*PIP, *what], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8", errors="replace"
        ) as pip:
            for line in _lines(pip, screen.pause):
                if line is not None:
                    said.append(line)
                    progress.take(line)
                    if screen.pause > 1:
                        continue
                screen.show(progress.told(time.monotonic() - started))
        if pip.returncode:
            screen.say("The packages could not be installed; pip says why 安装失败，原因如下:")
            sys.stdout.writelines(said)
            return pip.returncode
    screen.say(f"   All packages are there, after {time.monotonic() - started:.0f} s.")
    return 0


def _lines(pip: "subprocess.Popen[str]", pause: float) -> Iterator[str | None]:
    """What pip says, and None after each pause in which it said nothing or a reader has waited."""
    queue: Queue[str | None] = Queue()

    def read() -> None:
        for line in pip.stdout or ():
            queue.put(line)
        queue.put(None)

    Thread(target=read, daemon=True).start()
    due = time.monotonic() + pause
    while True:
        try:
            line = queue.get(timeout=max(due - time.monotonic(), 0))
        except Empty:
            due = time.monotonic() + pause
            yield None
            continue
        if line is None:
            return
        yield line


if __name__ == "__main__":
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a terminal that knows no Chinese shows the rest
    sys.exit(install(Path(sys.argv[1])))
