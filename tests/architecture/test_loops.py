"""Loops are named in one style, since operators meet the names in /readyz, logs and metrics: a verb, then what it is done to.

And they sleep while there is no work: only what is rare and looks at the clock alone may run whatever is written.
"""

import re
from pathlib import Path

from shared.clock import SystemClock
from shared.db import Database
from shared.loops import Loop
from shared.messaging import LocalBus
from shared.pruning import Pruner
from suite.parts import PARTS
from suite.wiring import build

STYLE = re.compile(r"[a-z]+( [a-z]+)+")


RARE = 10.0
"""Seconds between rounds that are done though nothing was written."""


def _loops(tmp_path: Path) -> list[Loop]:
    bus = LocalBus(Database(f"sqlite:///{tmp_path}/bus.db", schema="bus"), SystemClock())
    upstreams = {f"{name}_url": "http://127.0.0.1:1" for name in PARTS if name != "gateway"}
    return [loop for name in PARTS for loop in build(name, {"data_dir": tmp_path, **upstreams}, bus).loops]


def test_names_of_loops(tmp_path: Path) -> None:
    loops = _loops(tmp_path)
    assert [loop.name for loop in loops if not STYLE.fullmatch(loop.name)] == []
    forgetting = [loop.name for loop in loops if isinstance(getattr(loop.tick, "__self__", None), Pruner)]
    assert len(forgetting) > len(PARTS)
    assert [name for name in forgetting if not name.startswith("prune ")] == []
    of_one_part = [loop.name for loop in loops if loop.name not in ("relay messages", "prune inbox and answers")]
    assert sorted(of_one_part) == sorted(set(of_one_part)), "one name, one work"


def test_loops_that_do_not_sleep_are_rare(tmp_path: Path) -> None:
    loops = _loops(tmp_path)
    assert [loop.name for loop in loops if loop.timed and loop.interval < RARE] == []
    assert [loop.name for loop in loops if not loop.timed and loop.name.startswith("prune ")] == [], (
        "they look at the clock"
    )
    assert len([loop for loop in loops if not loop.timed]) > 15
