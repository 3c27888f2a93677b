"""Several real processes on one database, one of them killed: every limit of hot templates stays exact."""

import asyncio
import json
import os
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from api.coupon.mall import Mall
from conftest import Backend
from sqlalchemy import select

from services.coupon.templates.models import QuotaLease

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[3]


class Crowd:
    """A process in which a crowd claims: `begin` when all processes are ready, `answers` once all were answered."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    @classmethod
    async def gather(cls, backend: Backend, templates: dict[str, list[str]], then: str = "leave") -> "Crowd":
        order: dict[str, Any] = {
            "data_dir": str(backend.data_dir),
            "database_url": backend.database_url,
            "templates": templates,
            "then": then,
        }
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "api.coupon.crowd",
            json.dumps(order),
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}"},
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        crowd = cls(process)
        assert await crowd._line() == "ready"
        return crowd

    async def begin(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(b"go\n")
        await self._process.stdin.drain()

    async def answers(self) -> dict[str, dict[str, int]]:
        found: dict[str, dict[str, int]] = json.loads(await self._line())
        return found

    async def end(self) -> None:
        assert await self._process.wait() == 0

    async def kill(self) -> None:
        self._process.kill()
        await self._process.wait()

    async def _line(self) -> str:
        assert self._process.stdout is not None
        return (await self._process.stdout.readline()).decode().strip()


async def leased(mall: Mall) -> int:
    async with mall.running.service.kit.db.read() as tx:
        return sum(row.unused for row in (await tx.execute(select(QuotaLease.table))).all())


async def test_three_processes_share_hot_templates(mall: Mall, backend: Backend) -> None:
    """Total, budget, day and customer, each on a template of its own; the same customers everywhere."""
    limits = {
        "sold_out": await mall.template(1000, limits={"total": 600}),
        "budget_exhausted": await mall.template(1000, limits={"budget": 600_999}),
        "day_limit_reached": await mall.template(1000, limits={"per_day": 600}),
        "claim_limit_reached": await mall.template(1000, limits={"per_customer": 2}),
    }
    crowds = [
        await Crowd.gather(backend, {key: [f"c{number}" for number in range(300)] for key in limits.values()})
        for _ in range(3)
    ]
    await asyncio.gather(*[crowd.begin() for crowd in crowds])
    found: dict[str, Counter[str]] = {key: Counter() for key in limits.values()}
    for answers in await asyncio.gather(*[crowd.answers() for crowd in crowds]):
        for key, codes in answers.items():
            found[key].update(codes)
    assert found == {key: Counter({"granted": 600, code: 300}) for code, key in limits.items()}
    await asyncio.gather(*[crowd.end() for crowd in crowds])
    assert await leased(mall) == 0  # those who left gave back
    assert await mall.audit() == {}


async def test_a_process_that_holds_a_lease_is_killed(mall: Mall, backend: Backend) -> None:
    """What it held and had not given out is given to others, at once and to the last one."""
    template_id = await mall.template(1000, limits={"total": 2000, "budget": 2_000_000})
    first = await Crowd.gather(backend, {template_id: [f"a{number}" for number in range(300)]}, "stay")
    second = await Crowd.gather(backend, {template_id: [f"b{number}" for number in range(300)]}, "stay")
    await asyncio.gather(first.begin(), second.begin())
    assert {**(await first.answers())[template_id], **(await second.answers())[template_id]} == {"granted": 300}
    assert await leased(mall) > 0
    await asyncio.gather(first.kill(), second.kill())
    assert (await mall.seen(template_id))["issued"] == 600
    assert await mall.audit() == {}
    third = await Crowd.gather(backend, {template_id: [f"d{number}" for number in range(1500)]})
    await third.begin()
    assert (await third.answers())[template_id] == {"granted": 1400, "sold_out": 100}
    await third.end()
    assert await leased(mall) == 0
    assert await mall.audit() == {}
