"""Attacks 56, 57 and 59: stale, from the future, repeated; XML that means mischief; the broker or the database away."""

import asyncio
import time
from datetime import timedelta
from typing import Any

import pytest
from api.gateway.sourcekit import HOUSE, OURS, PAID, made, received, told
from kit.gateway import Suite

from shared.clock import ManualClock

LAUGHS = b"""<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY lol "lol">
<!ENTITY lol1 "&lol;&lol;&lol;&lol;&lol;&lol;&lol;&lol;&lol;&lol;"><!ENTITY lol2 "&lol1;&lol1;&lol1;&lol1;&lol1;&lol1;">
<!ENTITY file SYSTEM "file:///etc/passwd">]><order><id>&lol2;&file;</id></order>"""


@pytest.mark.parametrize("away", [-86400, -301, 301, 86400])
async def test_attack_56_stale_or_from_the_future_has_no_effect(
    suite: Suite, post: Any, clock: ManualClock, away: int
) -> None:
    source = await made(suite)
    answer = await post(source, at=clock.now() + timedelta(seconds=away))
    assert (answer.status_code, answer.json()["code"]) == (401, "delivery_not_proven")
    assert await told(suite, "order.paid") == await received(suite, source) == []
    for edge in (-300, 300):
        assert (await post(source, at=clock.now() + timedelta(seconds=edge))).status_code == 202
    assert await told(suite, "order.paid") == [{"order_id": "o1"}]


@pytest.mark.parametrize("scheme", HOUSE)
async def test_attack_56_repeated_has_one_effect_and_is_acknowledged(suite: Suite, post: Any, scheme: str) -> None:
    source = await made(suite, scheme=scheme)
    answers = await asyncio.gather(*(post(source) for _ in range(10)))
    answers.append(await post(source, {"type": "order.cancelled", "data": {"order_id": "o1"}}))
    assert {one.status_code for one in answers} == {202}, "the platform would try again otherwise"
    assert sorted(one.json()["status"] for one in answers) == ["accepted"] + ["duplicate"] * 10
    assert await told(suite, "order.paid") == [{"order_id": "o1"}]
    assert await told(suite, "order.cancelled") == [], "an id that was accepted tells nothing else"


async def test_attack_56_repeated_after_a_stale_copy_was_refused(suite: Suite, post: Any, clock: ManualClock) -> None:
    source = await made(suite)
    caught = clock.now()
    assert (await post(source, at=caught)).status_code == 202
    clock.advance(seconds=301)
    assert (await post(source, at=caught)).status_code == 401, "caught on the wire, sent again later"
    assert (await post(source)).json() == {"status": "duplicate"}, "signed anew by who holds the secret"
    assert len(await told(suite, "order.paid")) == 1


@pytest.mark.parametrize("content_type", ["application/xml", "text/xml", "application/json"])
async def test_attack_57_xml_is_not_read_at_all(suite: Suite, post: Any, content_type: str) -> None:
    source = await made(suite, {"event": "order.paid", "fields": {"order_id": "/order/id"}})
    answer = await post(source, LAUGHS, headers={"content-type": content_type})
    assert (answer.status_code, answer.json()["code"]) == (422, "malformed_json")
    assert "root:" not in answer.text
    assert await told(suite, "order.paid") == []


async def test_attack_59_a_broker_that_is_away_loses_and_delays_nothing(
    suite: Suite, post: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = await made(suite, OURS)

    async def away(*_: Any) -> None:
        raise OSError("connection refused")

    with monkeypatch.context() as patch:
        patch.setattr(suite.running.bus, "publish", away)
        started = time.monotonic()
        assert (await post(source)).json() == {"status": "accepted"}, "its message is in the outbox"
        assert time.monotonic() - started < 5
        await asyncio.sleep(0.05)
        assert suite.running.recorder.named("order.paid") == []
        assert (await post(source)).json() == {"status": "duplicate"}
    assert await told(suite, "order.paid") == [{"order_id": "o1"}]
    assert [row["outcome"] for row in await received(suite, source)] == ["accepted"]


@pytest.mark.parametrize("broken", ["insert_received", "update_messages", "find_posted_to"])
async def test_attack_59_a_database_that_is_away_is_a_quick_503_and_nothing_is_half_stored(
    suite: Suite, post: Any, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    source = await made(suite, OURS)

    async def away(*_: Any) -> None:
        raise OSError("the disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(f"gateway.webhooks_in.repository.{broken}", away)
        started = time.monotonic()
        answers = await asyncio.gather(*(post(source, PAID, f"m{number}") for number in range(4)))
        assert time.monotonic() - started < 5
    assert {(one.status_code, one.headers["content-type"]) for one in answers} == {(503, "application/problem+json")}
    assert await told(suite, "order.paid") == await received(suite, source) == []
    assert (await post(source)).json() == {"status": "accepted"}
    assert await told(suite, "order.paid") == [{"order_id": "o1"}]
