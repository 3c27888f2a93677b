"""Claims of one coupon template (and, beside it, of 1,000) and reservations of one SKU: everybody wants the same row.

Yardstick, measured in the same run: the bare claim as one SQL statement (conditional UPDATE of the counter and INSERT with
a unique key), driven by pgbench with 32 clients. The suite does the same over HTTP through the gateway, in one process,
with 64 connections, ledger and outbox included.
"""

import asyncio
import json
import urllib.request
from typing import Any

from bench.load import Result, median_of, request, run
from bench.servers import Suite, database, execute, pgbench, suite

ROUNDS = 3
CALLS = 12_000
MANY = 1_000

_TABLES = (
    "CREATE TABLE template (id int PRIMARY KEY, issued int NOT NULL, total int NOT NULL, CHECK (issued <= total))",
    "CREATE TABLE claim (id bigserial PRIMARY KEY, template_id int NOT NULL, customer text NOT NULL,"
    " UNIQUE (template_id, customer))",
    "INSERT INTO template VALUES (1, 0, 2000000000)",
)
CLAIM = """\\set customer random(1, 1000000000000)
WITH won AS (UPDATE template SET issued = issued + 1 WHERE id = 1 AND issued < total RETURNING id)
INSERT INTO claim (template_id, customer) SELECT id, 'c' || :customer FROM won ON CONFLICT DO NOTHING;
"""


def call(one: Suite, method: str, path: str, body: Any = None) -> Any:
    """One set-up call to the suite."""
    data = None if body is None else json.dumps(body).encode()
    headers = {"Authorization": f"Bearer {one.key}", "Content-Type": "application/json"}
    question = urllib.request.Request(f"http://127.0.0.1:{one.port}{path}", data, headers, method=method)
    with urllib.request.urlopen(question, timeout=60) as answer:  # noqa: S310 - our own server
        return json.load(answer)


def claims(one: Suite, round_number: int) -> Result:
    template = call(
        one,
        "POST",
        "/v1/coupon-templates",
        {
            "name": f"满300减50 #{round_number}",
            "currency": "CNY",
            "benefit": {"kind": "amount_off", "amount": 5000},
            "threshold": {"amount": 30000},
            "validity": {"days_after_claim": 7},
            "limits": {"total": CALLS, "per_customer": 1},
        },
    )
    path = f"/v1/coupon-templates/{template['id']}/claims"
    work = [request("POST", path, one.key, b'{"customer_id":"c%d"}' % number) for number in range(CALLS)]
    result = asyncio.run(run(one.port, work))
    assert result.statuses == {201: CALLS}, result.statuses
    return result


def claims_on_many(one: Suite, round_number: int) -> Result:
    """Claims spread over 1,000 templates: a batch locks and counts hundreds of rows."""
    body = {
        "name": f"满300减50 #{round_number}",
        "currency": "CNY",
        "benefit": {"kind": "amount_off", "amount": 5000},
        "threshold": {"amount": 30000},
        "validity": {"days_after_claim": 7},
        "limits": {"total": CALLS, "per_customer": 1},
    }
    template = json.dumps(body).encode()
    before = {row["id"] for row in _templates(one)}
    made = asyncio.run(run(one.port, [request("POST", "/v1/coupon-templates", one.key, template)] * MANY, 8))
    assert made.statuses == {201: MANY}, made.statuses
    paths = [f"/v1/coupon-templates/{row['id']}/claims" for row in _templates(one) if row["id"] not in before]
    work = [request("POST", paths[n % MANY], one.key, b'{"customer_id":"c%d"}' % n) for n in range(CALLS)]
    result = asyncio.run(run(one.port, work))
    assert result.statuses == {201: CALLS}, result.statuses
    return result


def _templates(one: Suite) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    cursor = ""
    while True:
        page = call(one, "GET", f"/v1/coupon-templates?limit=100{cursor}")
        found += page["data"]
        if not page["has_more"]:
            return found
        cursor = f"&cursor={page['next_cursor']}"


def reservations(one: Suite, round_number: int) -> Result:
    if round_number == 0:
        call(one, "POST", "/v1/locations", {"id": "wh", "name": "Warehouse", "kind": "warehouse"})
    sku = f"hot-{round_number}"
    line = {"sku": sku, "location_id": "wh", "change": CALLS}
    call(one, "POST", "/v1/stock/adjustments", {"lines": [line], "reason": "received"})
    body = b'{"order_id":"o%d-%d","channel":"app","lines":[{"sku":"%s","quantity":1}],"ttl_seconds":900}'
    work = [
        request("POST", "/v1/reservations", one.key, body % (round_number, number, sku.encode()))
        for number in range(CALLS)
    ]
    result = asyncio.run(run(one.port, work))
    assert result.statuses == {201: CALLS}, result.statuses
    return result


_MEASURES = (
    ("claims on one template", claims, "coupons"),
    ("claims on 1,000 templates", claims_on_many, "coupons"),
    ("reservations of one SKU", reservations, "stock"),
)


def main() -> list[str]:
    """Rows of the results table."""
    rows = []
    with database() as url:
        asyncio.run(execute(url, *_TABLES))
        yardsticks = [pgbench(url, CLAIM) for _ in range(ROUNDS)]
    bare = median_of(yardsticks)
    rows.append(f"| pgbench, one statement, 32 clients (yardstick) | PostgreSQL | {bare:,.0f}/s | | | 1.0 |")
    print(rows[-1], flush=True)
    for backend, label in (("postgresql", "PostgreSQL"), ("sqlite", "SQLite")):
        for name, measure, audited in _MEASURES:
            with suite(backend) as one:
                results = [measure(one, number) for number in range(ROUNDS)]
                audit = call(one, "GET", f"/v1/audit/{audited}")
                assert audit["ok"], audit
            rate = median_of([result.rate for result in results])
            p50 = median_of([result.percentile(0.5) for result in results]) * 1000
            p99 = median_of([result.percentile(0.99) for result in results]) * 1000
            rows.append(f"| {name} | {label} | {rate:,.0f}/s | {p50:.1f} | {p99:.1f} | {rate / bare:.1f} |")
            print(rows[-1], flush=True)
    return rows


if __name__ == "__main__":
    main()
