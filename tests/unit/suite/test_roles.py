"""Which process does what: everything is done by somebody, and by both only what each keeps in memory."""

from pathlib import Path

import pytest

from shared.clock import SystemClock
from shared.db import Database
from shared.messaging import LocalBus
from shared.roles import Role
from suite.budget import Wish, divide
from suite.parts import PARTS
from suite.wiring import build


@pytest.mark.parametrize("name", PARTS)
def test_two_processes_do_together_what_one_does(name: str, tmp_path: Path) -> None:
    bus = LocalBus(Database(f"sqlite:///{tmp_path}/bus.db", schema="bus"), SystemClock())
    done = {
        role: {loop.name: loop for loop in build(name, {"data_dir": tmp_path, "role": role}, bus).loops}
        for role in Role
    }
    assert set(done[Role.API]) | set(done[Role.WORKER]) == set(done[Role.ALL])
    both = set(done[Role.API]) & set(done[Role.WORKER])
    assert both == {loop.name for loop in done[Role.ALL].values() if loop.role is Role.ALL}
    assert {"relay messages", "prune inbox and answers"} <= set(done[Role.WORKER]) - both


@pytest.mark.parametrize("name", PARTS)
def test_a_worker_that_nobody_wakes_looks_every_second(name: str, tmp_path: Path) -> None:
    bus = LocalBus(Database(f"sqlite:///{tmp_path}/bus.db", schema="bus"), SystemClock())
    loops = build(name, {"data_dir": tmp_path, "role": Role.WORKER}, bus).loops
    assert [loop.name for loop in loops if 1.0 < loop.interval <= 5.0] == []


def test_the_halves_of_two_whole_suites_fit_a_default_server_too() -> None:
    api = {name: Wish("postgresql://h/d", None) for name in PARTS}
    worker = {**api, "bus": Wish("postgresql://h/d", None)}
    pools = [*divide(None, api, Role.API).values(), *divide(None, worker, Role.WORKER).values()]
    assert 2 * sum(pool.size for pool in pools) <= 97
    alone = [divide(None, {"coupon": api["coupon"]}, role)["coupon"].size for role in (Role.API, Role.WORKER)]
    assert 2 * len(PARTS) * sum(alone) <= 97
