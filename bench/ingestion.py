"""Tracking: events through `POST /v1/batch`, stored and evaluated against live segments, and how soon a segment is entered.

Yardstick, measured in the same run: a bare INSERT of one event row in a transaction of its own, driven by pgbench with 32
clients. The suite takes batches of 100 events over 8 connections. Meanwhile new customers qualify one after the other;
the latency is the time from sending their events until the members endpoint names them (the message leaves with it).
"""

import asyncio
import json
import time
from datetime import UTC, datetime

from bench.hot_keys import call
from bench.load import Result, median_of, request, run
from bench.servers import Suite, database, execute, pgbench, suite

ROUNDS = 3
BATCHES = 300
SIZE = 100
_TABLE = "CREATE TABLE event (message_id text PRIMARY KEY, customer text, name text, at timestamptz, props jsonb)"
INSERT = """\\set id random(1, 1000000000000000)
INSERT INTO event VALUES (md5(:id::text), 'c' || (:id % 5000), 'Product Viewed', now(), '{"price": 199}') ON CONFLICT DO NOTHING;
"""
_VIEWED = {
    "event": "Product Viewed",
    "measure": "count",
    "op": "gte",
    "value": 3,
    "within": {"last": "30d", "mode": "rolling"},
}
_BOUGHT = {
    "event": "Order Completed",
    "measure": "count",
    "op": "gte",
    "value": 1,
    "within": {"last": "30d", "mode": "rolling"},
}


def segments(one: Suite) -> list[str]:
    """Three live segments, so that every event has something to be evaluated against."""
    rules = [
        _VIEWED,
        {"all": [_VIEWED, {"not": _BOUGHT}]},
        {"all": [{"trait": "city", "op": "eq", "value": "上海"}, _VIEWED]},
    ]
    made = [call(one, "POST", "/v1/segments", {"name": f"s{n}", "rule": rule})["id"] for n, rule in enumerate(rules)]
    deadline = time.monotonic() + 30
    while any(call(one, "GET", f"/v1/segments/{segment}")["status"] != "live" for segment in made):
        assert time.monotonic() < deadline, "the segments did not become live"
        time.sleep(0.1)
    return made


def batches(one: Suite, round_number: int) -> list[bytes]:
    """Prepared requests: 1,000 customers, mostly views, some orders."""
    found = []
    now = datetime.now(UTC).isoformat()
    for number in range(BATCHES):
        items = []
        for index in range(SIZE):
            serial = number * SIZE + index
            order = serial % 20 == 0
            properties = (
                {"order_id": f"o{round_number}-{serial}", "total": 199.0}
                if order
                else {"product_id": "p1", "price": 19.9}
            )
            items.append(
                {
                    "type": "track",
                    "messageId": f"m{round_number}-{serial}",
                    "userId": f"c{round_number}-{serial % 1000}",
                    "event": "Order Completed" if order else "Product Viewed",
                    "properties": properties,
                    "timestamp": now,
                }
            )
        found.append(request("POST", "/v1/batch", one.key, json.dumps({"batch": items, "sentAt": now}).encode()))
    return found


def ingest(one: Suite, round_number: int) -> tuple[Result, float]:
    """One round: the load, and the p95 in seconds from event to segment.entered while it runs."""
    work = batches(one, round_number)

    async def both() -> tuple[Result, list[float]]:
        load = asyncio.create_task(run(one.port, work, connections=8))
        delays = await probe(one, round_number, load)
        return await load, delays

    result, delays = asyncio.run(both())
    assert set(result.statuses) == {200}, result.statuses
    delays.sort()
    return result, delays[int(len(delays) * 0.95)] if delays else float("nan")


async def probe(one: Suite, round_number: int, load: asyncio.Task[Result]) -> list[float]:
    """While the load runs: a new customer views three times; how long until the membership says so."""
    delays = []
    number = 0
    segment = (await asyncio.to_thread(call, one, "GET", "/v1/segments?limit=100"))["data"][-1]["id"]
    while not load.done():
        customer = f"probe{round_number}-{number}"
        items = [
            {
                "type": "track",
                "messageId": f"{customer}-{n}",
                "userId": customer,
                "event": "Product Viewed",
                "properties": {},
            }
            for n in range(3)
        ]
        member = f"/v1/segments/{segment}/members/{customer}"
        started = time.perf_counter()
        await asyncio.to_thread(call, one, "POST", "/v1/batch", {"batch": items})
        while not (await asyncio.to_thread(call, one, "GET", member))["member"]:  # noqa: ASYNC110 - another process decides
            await asyncio.sleep(0.01)
        delays.append(time.perf_counter() - started)
        number += 1
        await asyncio.sleep(0.1)
    return delays


def main() -> list[str]:
    """Rows of the results table."""
    rows = []
    with database() as url:
        asyncio.run(execute(url, _TABLE))
        bare = median_of([pgbench(url, INSERT) for _ in range(ROUNDS)])
    rows.append(f"| pgbench, one INSERT a transaction, 32 clients (yardstick) | PostgreSQL | {bare:,.0f}/s | | 1.0 |")
    print(rows[-1], flush=True)
    for backend, label in (("postgresql", "PostgreSQL"), ("sqlite", "SQLite")):
        with suite(backend) as one:
            segments(one)
            results = [ingest(one, number) for number in range(ROUNDS)]
            audit = call(one, "GET", "/v1/audit/segments")
            assert audit["ok"], audit
        rate = median_of([result.rate * SIZE for result, _ in results])
        p95 = median_of([delay for _, delay in results]) * 1000
        rows.append(f"| events through /v1/batch, 100 each | {label} | {rate:,.0f}/s | {p95:.0f} | {rate / bare:.1f} |")
        print(rows[-1], flush=True)
    return rows


if __name__ == "__main__":
    main()
