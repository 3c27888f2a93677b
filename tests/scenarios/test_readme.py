"""A stranger types what the README says, in either language, and sees what the README shows: every block, word by word."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from kit.shown import Block, blocks, difference, shows

from suite.processes import free_port

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
MARK = "----- block "
# `make run` of the page: whatever ran is ended, as by Ctrl-C in its terminal; then the suite starts, and what it says is shown.
MAKE = """#!/bin/sh
[ "$*" = run ] || { echo "the page says make $*"; exit 64; }
if [ -f ../running ]; then
  kill -TERM "$(cat ../running)"
  while kill -0 "$(cat ../running)" 2>/dev/null; do sleep 0.1; done
fi
.venv/bin/quanyu serve --demo --port PORT >../said 2>&1 &
echo $! >../running
until grep -q Ctrl-C ../said; do kill -0 $! || { cat ../said; exit 1; }; sleep 0.1; done
cat ../said
"""


class Stranger:
    """A clone that is set up, and one terminal in it."""

    def __init__(self, folder: Path, language: str) -> None:
        self.port, self._clone, self._tools = free_port(), folder / "quanyu", folder / "tools"
        self._running = folder / "running"
        self._language = language
        (self._clone / ".venv" / "bin").mkdir(parents=True)
        self._tools.mkdir()
        sample = self._clone / "suite" / "sample"
        sample.mkdir(parents=True)
        for path in (ROOT / "suite" / "sample").glob("[!.]*.csv"):
            (sample / path.name).write_bytes(path.read_bytes())
        self._put(self._clone / ".venv" / "bin" / "quanyu", f'#!/bin/sh\nexec {sys.executable} -m suite "$@"\n')
        self._put(self._clone / ".venv" / "bin" / "python", f'#!/bin/sh\nexec {sys.executable} "$@"\n')
        self._put(self._tools / "make", MAKE.replace("PORT", str(self.port)))

    @staticmethod
    def _put(path: Path, text: str) -> None:
        path.write_text(text)
        path.chmod(0o755)

    def types(self, page: list[Block]) -> dict[Block, str]:
        """What each block printed. The first failure ends it, and is told."""
        script = "set -eo pipefail\n"
        commands = [block for block in page if block.language == "bash"]
        for number, block in enumerate(commands):
            script += f"printf '\\n%s\\n' '{MARK}{number}'\n{block.text}\n"
        own = {name: value for name, value in os.environ.items() if name in ("HOME", "TMPDIR")}
        done = subprocess.run(
            ["bash", "-c", script.replace("127.0.0.1:8000", f"127.0.0.1:{self.port}")],
            cwd=self._clone, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=300, check=False,
            env={
                **own, "PATH": f"{self._tools}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT), "LC_ALL": self._language,
                "QUANYU_TOUR_PORT": str(free_port()), "QUANYU_URL": f"http://127.0.0.1:{self.port}",
            },
        )  # fmt: skip
        said = done.stdout.replace(f"127.0.0.1:{self.port}", "127.0.0.1:8000")
        assert done.returncode == 0, said[-4000:]
        outputs = [part.split("\n", 1)[1] for part in said.split(MARK)[1:]]
        return dict(zip(commands, outputs, strict=True))

    def leaves(self) -> None:
        if self._running.exists():
            os.kill(int(self._running.read_text()), signal.SIGTERM)


@pytest.fixture
def stranger(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Stranger]:
    found = Stranger(tmp_path, request.param)
    yield found
    found.leaves()


@pytest.mark.parametrize(
    ("stranger", "page"), [("C.UTF-8", "README.md"), ("zh_CN.UTF-8", "README.zh-CN.md")], indirect=["stranger"]
)
def test_the_readme_shows_what_happens(stranger: Stranger, page: str) -> None:
    there = list(blocks((ROOT / page).read_text(encoding="utf-8")))
    printed = stranger.types(there)
    last: Block | None = None
    for block in there:
        if block.language == "bash":
            last = block
            continue
        assert (block.language, last is not None) == ("", True), f"{page}:{block.line} is executed by nobody"
        assert last is not None
        assert shows(block.text, printed[last]), f"{page}:{block.line}\n{difference(block.text, printed[last])}"
        last = None
