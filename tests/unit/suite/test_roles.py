"""Which process does what: everything is done by somebody, and by both only what each keeps in memory."""

import asyncio
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from shared.clock import SystemClock
from shared.db import Database
from shared.messaging import LocalBus
from shared.readiness import State
from shared.roles import Role
from suite.budget import Wish, divide
from suite.parts import PARTS
from suite.wiring import build
from suite.worker import SecondProcess


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


async def test_a_second_process_that_could_not_be_started_is_started_later(monkeypatch: pytest.MonkeyPatch) -> None:
    start, tries, opened = asyncio.create_subprocess_exec, list[int](), len(os.listdir("/proc/self/fd"))

    async def crowded(*arguments: Any, **options: Any) -> asyncio.subprocess.Process:
        tries.append(len(os.listdir("/proc/self/fd")))
        if len(tries) == 1:
            raise BlockingIOError("Resource temporarily unavailable")
        return await start(*arguments, **options)

    monkeypatch.setattr(asyncio, "create_subprocess_exec", crowded)
    monkeypatch.setattr("suite.worker._LONGEST_PAUSE", 0.01)
    beside = SecondProcess([], {})
    beside._command = [sys.executable, "-c", "import os, sys; os.write(int(sys.argv[-1]), b'1'); sys.stdin.read()"]
    async with beside.running():
        assert (await beside.look()).state is State.DEGRADED, "which turns no caller away"
        await beside.until_up(20)
        assert (await beside.look()).state is State.OK
    assert tries == [opened + 2, opened + 2], "its pipe and nothing of the try before"
