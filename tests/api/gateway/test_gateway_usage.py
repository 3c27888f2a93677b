"""Usage: what is told equals what was called, by key, operation and day; whose it is; what failures and the clock do to it."""

import asyncio
import csv
import io
from datetime import UTC, datetime
from typing import Any

import pytest
from api.gateway.keykit import THING, made_with, rotated
from kit.gateway import Suite

from gateway.usage import repository
from gateway.usage.counter import UsageCounter
from gateway.usage.management import Usage
from shared.clock import ManualClock

READS = {"scopes": ["coupon:things:*", "gateway:usage:read"]}


def counter(suite: Suite) -> UsageCounter:
    return suite.gateway.usage.counter


async def usage(suite: Suite, key: str | None = None, **asked: Any) -> list[dict[str, Any]]:
    await counter(suite).carry()
    client = suite.client(key) if key else suite.client()
    answer = await client.get("/v1/usage", params=asked)
    assert answer.status_code == 200, answer.text
    return [{name: value for name, value in row.items() if value} for row in answer.json()["data"]]


async def test_usage_is_what_was_called(suite: Suite) -> None:
    key = await made_with(suite, None, **THING, limits={"requests": 6, "window_seconds": 3600})
    client = suite.client(key["key"])
    for path in ("/v1/things/1", "/v1/things/2", "/v1/nothing", "/v1/keys"):
        await client.get(path)
    new = await rotated(suite, key)
    await suite.client(new["key"]).head("/v1/things/3")
    await asyncio.gather(*(client.post("/v1/things", json={}) for _ in range(3)))
    assert await usage(suite, key_id=new["id"]) == [
        {"route": "GET /v1/keys", "calls": 1, "refused": 1},
        {"route": "GET /v1/things/{thing_id}", "calls": 3, "succeeded": 3},
        {"route": "POST /v1/things", "calls": 3, "succeeded": 1, "limited": 2},
        {"route": "unmatched", "calls": 1, "refused": 1},
    ]
    assert await usage(suite, key_id=key["id"], group_by="day") == [
        {"day": _today(suite), "calls": 8, "succeeded": 4, "refused": 2, "limited": 2}
    ]
    told = {row["key_id"]: row["calls"] for row in await usage(suite, group_by="key")}
    assert told[key["id"]] == 8, "one lineage, however often it was rotated"
    assert "key_admin" in told
    assert (await usage(suite, key_id="key_none")) == []


def _today(suite: Suite) -> str:
    return counter(suite)._calendar.span("day", suite.gateway.kit.clock.now().timestamp()).label


async def test_a_partner_sees_its_own(suite: Suite) -> None:
    one, other = [await made_with(suite, None, kind="partner", **READS) for _ in range(2)]
    await suite.client(one["key"]).get("/v1/things/1")
    assert [row["key_id"] for row in await usage(suite, one["key"], group_by="key")] == [one["id"]]
    assert await usage(suite, other["key"], key_id=one["id"]) == []
    assert {row["owner_id"] for row in await usage(suite, group_by="key")} >= {one["owner_id"], other["owner_id"]}
    deaf = await made_with(suite, None, kind="partner", scopes=["coupon:things:*"])
    assert (await suite.client(deaf["key"]).get("/v1/usage")).status_code == 403


async def test_pages_and_a_spreadsheet(suite: Suite) -> None:
    key = await made_with(suite, None, **THING)
    client = suite.client(key["key"])
    await asyncio.gather(client.get("/v1/things/1"), client.get("/v1/nothing"), client.post("/v1/things", json={}))
    await counter(suite).carry()
    asked: dict[str, Any] = {"key_id": key["id"], "limit": 2}
    first = (await suite.client().get("/v1/usage", params=asked)).json()
    assert (len(first["data"]), first["has_more"]) == (2, True)
    rest = (await suite.client().get("/v1/usage", params={**asked, "cursor": first["next_cursor"]})).json()
    assert [row["route"] for row in rest["data"]] == ["unmatched"]
    sheet = await suite.client().get("/v1/usage/export", params={"key_id": key["id"]})
    assert sheet.headers["content-type"] == "text/csv; charset=utf-8"
    rows = list(csv.DictReader(io.StringIO(sheet.content.decode("utf-8-sig"))))
    assert [(row["route"], row["calls"]) for row in rows][:2] == [
        ("GET /v1/things/{thing_id}", "1"),
        ("POST /v1/things", "1"),
    ]


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
async def test_days_are_the_merchants_and_are_forgotten_after_thirty(suite: Suite, clock: ManualClock) -> None:
    clock.set(datetime(2026, 3, 1, 15, 59, tzinfo=UTC))
    key = await made_with(suite, None, **THING)
    client = suite.client(key["key"])
    await client.get("/v1/things/1")
    clock.advance(seconds=60)  # midnight in Shanghai
    await client.get("/v1/things/1")
    days = await usage(suite, key_id=key["id"], group_by="day")
    assert [(row["day"], row["calls"]) for row in days] == [("2026-03-02", 1), ("2026-03-01", 1)]
    asked = {"key_id": key["id"], "group_by": "day", "from": "2026-03-01", "to": "2026-03-01"}
    assert [row["day"] for row in await usage(suite, **asked)] == ["2026-03-01"]
    for wrong in ({"from": "2026-03-02", "to": "2026-03-01"}, {"from": "yesterday"}, {"group_by": "shop"}):
        assert (await suite.client().get("/v1/usage", params=wrong)).status_code == 422
    clock.advance(seconds=30 * 86400)
    keeper = Usage(suite.gateway.kit, counter(suite)._calendar, suite.gateway.keys.cache)
    assert not await keeper.prune()
    assert [row["day"] for row in await usage(suite, **asked | {"to": "2026-03-02"})] == ["2026-03-02"]


async def test_what_can_not_be_written_down_is_told_later(suite: Suite, monkeypatch: pytest.MonkeyPatch) -> None:
    key = await made_with(suite, None, **THING)
    client = suite.client(key["key"])
    await client.get("/v1/things/1")

    async def broken(*_: object) -> None:
        await client.get("/v1/things/1")  # while it is being written
        raise OSError("the database is away")

    with monkeypatch.context() as patch:
        patch.setattr(repository, "add_counts", broken)
        with pytest.raises(OSError, match="away"):
            await counter(suite).carry()
    assert [row["calls"] for row in await usage(suite, key_id=key["id"])] == [2]
    await counter(suite).carry()
    assert [row["calls"] for row in await usage(suite, key_id=key["id"])] == [2], "once"


async def test_two_processes_add_up(suite: Suite) -> None:
    both = [UsageCounter(suite.gateway.kit, counter(suite)._calendar) for _ in range(2)]
    for _ in range(3):
        for one in both:
            for template in ("/v1/a", "/v1/b"):
                one.note("own_x", "key_x", "GET", template, 200)
        await asyncio.gather(*(one.carry() for one in both))
    assert [row["calls"] for row in await usage(suite, key_id="key_x")] == [6, 6]
