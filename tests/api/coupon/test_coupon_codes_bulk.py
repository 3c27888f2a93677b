"""Codes in bulk: known failures of earlier systems (they collide, overflow or time out), kills, and several processes."""

import asyncio
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from api.coupon.mall import Json, Mall
from api.coupon.test_coupon_codes import batch, public, redeem
from api.coupon.test_coupon_processes import malls
from conftest import Backend, RunService
from sqlalchemy import func, insert, select

from services.coupon.app import create_service
from services.coupon.base import Base
from services.coupon.code_format import new_codes
from services.coupon.codes.models import Code, CodeBatch
from services.coupon.codes.schemas import MOST_CODES
from services.coupon.settings import CouponSettings
from shared.db import Database
from shared.db.migrate import upgrade

__all__ = ["malls"]  # the fixture is used by its name
ROOT = Path(__file__).parents[3]


async def counted(db: Database, batch_id: str) -> tuple[int, int, int, int]:
    """What the batch counts, its rows, the different codes among them, and the highest number, all at one moment."""
    made = select(CodeBatch.c.made).where(CodeBatch.c.id == batch_id).scalar_subquery()
    rows, codes = func.count().label("rows"), func.count(Code.c.code.distinct()).label("codes")
    chosen = select(made.label("made"), rows, codes, func.max(Code.c.number).label("top"))
    async with db.read() as tx:
        row = (await tx.execute(chosen.where(Code.c.batch_id == batch_id))).one()
    return row.made, row.rows, row.codes, row.top


async def test_codes_that_collide_are_made_again(mall: Mall, monkeypatch: pytest.MonkeyPatch) -> None:
    """csharp-algorithm-coupon-code 4: here every second code exists already, within the chunk or in another batch."""
    template_id = await mall.template()
    _, known = await batch(mall, template_id, 5)

    def often_the_same(prefix: str = "") -> Iterator[str]:
        new = new_codes(prefix)
        for code in new:
            yield next(new)
            yield known[0]
            yield code
            yield code

    monkeypatch.setattr("services.coupon.codes.worker.new_codes", often_the_same)
    batch_id, codes = await batch(mall, template_id, 50)
    assert await counted(mall.running.service.kit.db, batch_id) == (50,) * 4
    assert not set(codes) & set(known)
    assert await mall.audit() == {}


async def test_a_count_beyond_what_there_can_be_is_refused_at_once(mall: Mall) -> None:
    """woocommerce-coupon-generator 29: the number overflowed what one request could do."""
    path = f"/v1/coupon-templates/{await mall.template()}/codes"
    for count in (MOST_CODES + 1, 2**63, -1, 1.5, "9"):
        assert (await mall.http.post(path, json={"count": count})).status_code == 422


async def test_a_million_codes_are_accepted_within_the_request_and_made_after_it(mall: Mall) -> None:
    """vc-platform 1775: making codes timed out. Here the request only stores the wish, and other work goes on meanwhile."""
    template_id = await mall.template()
    async with asyncio.timeout(60):
        answer = await mall.http.post(f"/v1/coupon-templates/{template_id}/codes", json={"count": MOST_CODES})
        assert answer.status_code == 202
        assert answer.json()["made"] < MOST_CODES
        await mall.claim(template_id)
    await mall.http.post(f"/v1/code-batches/{answer.json()['id']}/void")


async def test_a_maker_that_is_killed_goes_on_to_the_exact_count(backend: Backend, run_service: RunService) -> None:
    """SIGKILL, twice, in the middle of the work; then another process ends it."""
    settings = CouponSettings(data_dir=backend.data_dir, database_url=backend.database_url)
    db = Database(settings.resolved_database_url(), schema="coupon")
    await upgrade(db, "services.coupon.migrations", Base.metadata)
    total, made = 12_000, 0
    async with db.write() as tx:
        await tx.execute(insert(CodeBatch.table), wanted(total))
    for _ in range(2):
        process = start_maker(backend)
        try:
            made = await made_more_than(db, made + 300)
        finally:
            process.kill()
            process.wait()
        assert process.returncode == -signal.SIGKILL
        made, *rest = await counted(db, "cbt_1")
        assert made < total
        assert rest == [made] * 3
    await db.close()
    mall = Mall(await run_service(create_service, CouponSettings))
    while (await mall.http.get("/v1/code-batches/cbt_1")).json()["status"] != "done":
        await mall.running.tick()
    assert await counted(mall.running.service.kit.db, "cbt_1") == (total,) * 4
    assert await mall.audit() == {}


def wanted(total: int) -> Json:
    now = datetime(2026, 11, 11, tzinfo=UTC)
    batch = {"id": "cbt_1", "template_id": "tpl_1", "status": "running", "prefix": "", "total": total, "made": 0}
    return {**batch, "owner_id": "own_merchant", "actor": "key:x", "created_at": now, "updated_at": now}


def start_maker(backend: Backend) -> subprocess.Popen[bytes]:
    where = [str(backend.data_dir), *([backend.database_url] if backend.database_url else [])]
    return subprocess.Popen(
        [sys.executable, "-m", "api.coupon.code_maker", *where],
        cwd=ROOT,
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}"},
    )


async def made_more_than(db: Database, number: int) -> int:
    """How many codes are made, once it is more than `number`."""
    while True:
        async with db.read() as tx:
            made: int = await tx.scalar(select(CodeBatch.c.made).where(CodeBatch.c.id == "cbt_1"))
        if made > number:
            return made
        await asyncio.sleep(0.01)


@pytest.mark.parametrize("backend", ["postgresql"], indirect=True)
async def test_one_code_at_three_processes_gives_one_coupon(malls: list[Mall]) -> None:
    template_id = await malls[0].template()
    _, (code, other, _) = await batch(malls[0], template_id)
    await public(malls[0], template_id, limits={"total": 7})
    calls = [redeem(malls[number % 3], code, f"c{number}") for number in range(45)]
    calls += [redeem(malls[number % 3], "DOUBLE11", f"p{number}") for number in range(30)]
    calls += [redeem(malls[number % 3], other, "one") for number in range(6)]
    answers = await asyncio.gather(*calls)
    assert Counter(answer.status_code for answer in answers[:45]) == {201: 1, 422: 44}
    assert Counter(answer.status_code for answer in answers[45:75]) == {201: 7, 422: 23}
    assert len({answer.json()["id"] for answer in answers[75:]}) == 1
    assert (await malls[1].seen(template_id))["issued"] == 9
    assert await malls[2].audit() == {}


@pytest.mark.parametrize("backend", ["postgresql"], indirect=True)
async def test_a_batch_is_made_once_by_all_processes(malls: list[Mall]) -> None:
    path = f"/v1/coupon-templates/{await malls[0].template()}/codes"
    batch_id = (await malls[0].http.post(path, json={"count": 30_000})).json()["id"]
    while (await malls[1].http.get(f"/v1/code-batches/{batch_id}")).json()["status"] != "done":
        await asyncio.gather(*[mall.running.tick() for mall in malls])
    assert await counted(malls[2].running.service.kit.db, batch_id) == (30_000,) * 4
    assert await malls[2].audit() == {}
