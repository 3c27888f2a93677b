"""Claims with an Idempotency-Key ride in the group commit: the same answer again, one effect, whatever else is in the batch."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from itertools import count
from typing import Any

import httpx
import pytest
from api.coupon.mall import Mall
from api.coupon.test_coupon_leases import Twin, twins
from sqlalchemy import insert, select, update

from shared.batching import GroupCommit
from shared.clock import ManualClock
from shared.web import Keyed

__all__ = ["twins"]  # the fixture is used by its name


async def claim(mall: Mall, template_id: str, customer_id: str, key: str | None) -> httpx.Response:
    headers = {} if key is None else {"Idempotency-Key": key}
    path = f"/v1/coupon-templates/{template_id}/claims"
    return await mall.http.post(path, json={"customer_id": customer_id}, headers=headers)


@pytest.fixture
def together(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], list[int]]:
    """Has the first batch wait until so many calls are there; answers a list that gets the sizes of the batches."""

    def hold(number: int) -> list[int]:
        sizes: list[int] = []
        everybody = asyncio.Event()
        work, submit, arrived = Keyed.__call__, GroupCommit.submit, count(1)

        async def slow(self: Any, tx: Any, given: Any) -> Any:
            sizes.append(len(given))
            await everybody.wait()
            return await work(self, tx, given)

        async def counted(self: Any, request: Any) -> Any:
            if next(arrived) == number:
                asyncio.get_running_loop().call_soon(everybody.set)
            return await submit(self, request)

        monkeypatch.setattr(Keyed, "__call__", slow)
        monkeypatch.setattr(GroupCommit, "submit", counted)
        return sizes

    return hold


def replayed(answer: httpx.Response) -> bool:
    return "idempotent-replayed" in answer.headers


async def test_calls_that_come_together_share_transactions_and_each_key_its_answer(
    mall: Mall, together: Callable[[int], list[int]]
) -> None:
    template_id = await mall.template(limits={"total": 100})
    sizes = together(80)
    calls = [claim(mall, template_id, f"c{n % 20}", f"k{n % 20}") for n in range(60)]
    others = [claim(mall, template_id, f"x{n}", None) for n in range(20)]
    answers = await asyncio.gather(*calls, *others)
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.content for answer in answers}) == 40, "20 by key, 20 without"
    assert sum(map(replayed, answers)) == 40
    assert (await mall.seen(template_id))["issued"] == 40
    assert sum(sizes) == 80
    assert max(sizes) >= 40, "they ride together"
    later = await claim(mall, template_id, "c7", "k7")
    assert (later.content, replayed(later)) == (answers[7].content, True)
    assert await mall.audit() == {}


async def test_another_request_under_the_key_is_refused_in_the_same_batch_and_later(
    mall: Mall, together: Callable[[int], list[int]]
) -> None:
    template_id = await mall.template()
    together(3)
    answers = await asyncio.gather(*[claim(mall, template_id, f"c{n}", "k") for n in range(3)])
    assert sorted(answer.status_code for answer in answers) == [201, 422, 422]
    later = await claim(mall, template_id, "c9", "k")
    assert (later.status_code, later.json()["code"]) == (422, "idempotency_key_reused")
    assert (await mall.seen(template_id))["issued"] == 1


async def test_a_refusal_that_may_pass_is_not_kept(mall: Mall) -> None:
    template_id = await mall.template(limits={"total": 1})
    assert (await claim(mall, template_id, "first", None)).status_code == 201
    for _ in range(2):
        refused = await claim(mall, template_id, "c1", "k")
        assert (refused.status_code, refused.json()["code"], replayed(refused)) == (409, "sold_out", False)
    assert (
        await mall.http.patch(f"/v1/coupon-templates/{template_id}", json={"limits": {"total": 2}})
    ).status_code == 200
    assert (await claim(mall, template_id, "c1", "k")).status_code == 201


async def test_a_refusal_that_stays_is_kept_as_it_was(mall: Mall, clock: ManualClock) -> None:
    template_id = await mall.template(validity={"until": "2026-11-11T03:00:00Z"})
    clock.advance(timedelta(hours=2))
    first, again = [await claim(mall, template_id, "c1", "k") for _ in range(2)]
    assert (first.status_code, first.json()["code"], replayed(first)) == (410, "ended", False)
    assert (again.status_code, again.content, replayed(again)) == (410, first.content, True)
    assert again.headers["content-type"] == "application/problem+json"


async def test_what_is_not_committed_leaves_neither_coupon_nor_record(
    mall: Mall, monkeypatch: pytest.MonkeyPatch
) -> None:
    template_id = await mall.template(limits={"total": 1})

    async def dies(*_: Any) -> None:
        raise RuntimeError("killed before the commit")

    with monkeypatch.context() as patch:
        patch.setattr(Keyed, "_keep", dies)
        assert (await claim(mall, template_id, "c1", "k")).status_code == 500
    assert (await mall.seen(template_id))["issued"] == 0
    fresh = await claim(mall, template_id, "c1", "k")
    assert (fresh.status_code, replayed(fresh)) == (201, False)


async def test_a_record_that_another_version_began_is_respected_until_its_lease_ends(
    mall: Mall, clock: ManualClock
) -> None:
    template_id = await mall.template()
    assert (await claim(mall, template_id, "c1", "k")).status_code == 201
    kit = mall.running.service.kit
    records = kit.metadata.tables["idempotency"]
    unfinished = {"status": None, "headers": None, "body": None, "lease_until": clock.now() + timedelta(seconds=30)}
    async with kit.db.write() as tx:
        row = dict((await tx.execute(select(records))).mappings().one())
        await tx.run(update(records).values(key="old"))
        await tx.run(insert(records), {**row, **unfinished, "token": "idm_dead"})
    waits = await claim(mall, template_id, "c1", "k")
    assert (waits.status_code, waits.json()["code"]) == (409, "idempotency_in_progress")
    clock.advance(timedelta(seconds=31))
    taken = await claim(mall, template_id, "c1", "k")
    assert (taken.status_code, replayed(taken)) == (201, False)


async def test_one_key_at_two_processes_at_once_has_one_effect(twins: list[Twin]) -> None:
    template_id = await twins[0].template()
    for round_number in range(5):
        calls = [claim(twins[n % 2], template_id, f"c{round_number}", f"k{round_number}") for n in range(12)]
        answers = await asyncio.gather(*calls)
        assert {answer.status_code for answer in answers} == {201}
        assert len({answer.content for answer in answers}) == 1
        assert sum(map(replayed, answers)) == 11
    assert (await twins[1].seen(template_id))["issued"] == 5
    assert await twins[0].audit() == {}
