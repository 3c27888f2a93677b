"""Attack 50: endpoints that take a connection and say nothing, many and of every sort. A healthy one notices nothing."""

import asyncio
import time
from collections.abc import Callable
from statistics import median
from typing import Any

import pytest
from api.gateway.conftest import RunGateway
from api.gateway.receiverkit import COUPON, STOCK, Receiver, coupon_of, publish, receiving
from kit.gateway import Suite
from kit.upstream import RawServer
from sqlalchemy import insert, update

from gateway.keys.management import new_key, new_row
from gateway.keys.models import ApiKey
from gateway.keys.schemas import KeyIn
from gateway.webhooks_out.models import Endpoint
from shared.clock import ManualClock
from shared.contracts import CouponRedeemed

FLOOR = 0.75
"""A machine's own hiccups: seconds that are not put down to the attack."""


async def until(reached: Callable[[], bool]) -> None:
    for _ in range(15_000):
        if reached():
            return
        await asyncio.sleep(0.002)
    raise AssertionError("not within half a minute")


async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read()


async def silent_endpoints(suite: Suite, clock: ManualClock, url: str, many: int, **row: Any) -> None:
    """Rows as registering leaves them: a thousand calls would take longer than the attack. `owners` share them out."""
    owners = row.pop("owners")
    fixed = {"url": url, "events": ["stock.*"], "scopes": ["*"], "secrets": [], "status": "enabled"}
    now = clock.now()
    rows = [
        {"id": f"whe_{number:05}", "owner_id": f"own_{number % owners}", "created_at": now, "changed_at": now}
        for number in range(many)
    ]
    held = KeyIn(name="x", kind="partner")
    keys = [new_row(new_key("partner"), held, ["*"], now) | {"owner_id": f"own_{number}"} for number in range(owners)]
    async with suite.gateway.kit.db.write() as tx:
        await tx.run(insert(ApiKey.table).values(keys))
        await tx.run(insert(Endpoint.table).values([one | fixed | row for one in rows]))


def given_up(suite: Suite) -> None:
    """The attempts need not be waited for, nor recorded, once the test has seen what it wanted."""
    for task in suite.gateway.webhooks_out.worker._tasks:
        task.cancel()


async def seconds_to(suite: Suite, receiver: Receiver, times: int, word: str, event: CouponRedeemed = COUPON) -> float:
    """The median time from an event on the bus to the healthy endpoint."""
    took = []
    for number in range(times):
        begun, before = time.perf_counter(), len(receiver.got)
        await publish(suite, event, ids=[f"evt_{word}_{number}"])
        await until(lambda: len(receiver.got) > before)  # noqa: B023 - asked within this round
        took.append(time.perf_counter() - begun)
    return median(took)


@pytest.mark.parametrize(
    ("many", "owners", "standing"),
    [(150, 1, "unproven"), (1000, 100, "unproven"), (1000, 100, "quick")],
)
async def test_silent_endpoints_keep_a_healthy_one_waiting_for_nothing(
    run_gateway: RunGateway, clock: ManualClock, many: int, owners: int, standing: str
) -> None:
    suite = await run_gateway(access_log=False)
    key = await suite.key(kind="partner", scopes=["gateway:webhooks:*", "coupon:coupons:read"])
    partner, theirs = suite.client(key), await coupon_of(suite, key)
    server = RawServer(silent)
    async with receiving() as healthy, server.running():
        await partner.post("/v1/webhook-endpoints", json={"url": healthy.server.url, "events": ["coupon.*"]})
        peace = await seconds_to(suite, healthy, 5, "peace", theirs)
        await silent_endpoints(suite, clock, server.url, many, owners=owners, standing=standing)
        await publish(suite, STOCK, STOCK, STOCK)
        await until(lambda: server.open >= min(many, 100))
        attack = await seconds_to(suite, healthy, 7, "attack", theirs)
        given_up(suite)
        assert attack < 5 * peace + FLOOR, f"{attack:.3f} s instead of {peace:.3f} s"


async def test_the_merchants_own_endpoint_is_as_well_off_among_their_silent_ones(
    run_gateway: RunGateway, clock: ManualClock
) -> None:
    """And until it is proven an endpoint is called one at a time: by its backlog of 40 it gains nothing."""
    suite = await run_gateway(access_log=False)
    server = RawServer(silent)
    async with receiving() as healthy, server.running():
        body = {"url": healthy.server.url, "events": ["coupon.*"]}
        owner = await suite.client().post("/v1/webhook-endpoints", json=body)
        assert owner.status_code == 201
        peace = await seconds_to(suite, healthy, 5, "peace")
        await silent_endpoints(suite, clock, server.url, 150, owners=1, standing="unproven")
        async with suite.gateway.kit.db.write() as tx:
            await tx.run(update(Endpoint.table).values(owner_id="own_merchant"))
        await publish(suite, *[STOCK] * 40)
        await until(lambda: server.open == 150)
        attack = await seconds_to(suite, healthy, 7, "attack")
        given_up(suite)
        assert attack < 5 * peace + FLOOR, f"{attack:.3f} s instead of {peace:.3f} s"
        assert server.connections == 150


async def test_an_endpoint_that_answers_late_leaves_the_quick_ones(
    run_gateway: RunGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.webhooks_out.records.QUICK_SECONDS", -1)
    suite = await run_gateway()
    async with receiving() as receiver:
        made = await suite.client().post("/v1/webhook-endpoints", json={"url": receiver.server.url, "events": ["*"]})
        await publish(suite, COUPON)
        worker = suite.gateway.webhooks_out.worker
        await worker.tick()
        await worker.idle()
        async with suite.gateway.kit.db.read() as tx:
            (row,) = await tx.rows(Endpoint, Endpoint.table.select().where(Endpoint.c.id == made.json()["id"]))
        assert (row.standing, row.failing_since) == ("slow", None)


async def test_who_turns_a_proven_endpoint_elsewhere_begins_anew(suite: Suite) -> None:
    """Else one would be proven by a good URL, and then changed to a silent one."""
    async with receiving() as receiver, receiving() as other:
        made = await suite.client().post("/v1/webhook-endpoints", json={"url": receiver.server.url, "events": ["*"]})
        await publish(suite, COUPON)
        worker = suite.gateway.webhooks_out.worker
        await worker.tick()
        await worker.idle()
        for change, standing in (({"description": "x"}, "quick"), ({"url": other.server.url}, "unproven")):
            await suite.client().patch(f"/v1/webhook-endpoints/{made.json()['id']}", json=change)
            async with suite.gateway.kit.db.read() as tx:
                assert await tx.scalars(Endpoint.table.select().with_only_columns(Endpoint.c.standing)) == [standing]
