"""Claims of one coupon template (and, beside it, of 1,000) and reservations of one SKU: everybody wants the same row.

Two yardsticks, measured in the same run. The bare claim as one SQL statement (conditional UPDATE of the counter and INSERT
with a unique key), driven by pgbench with 32 clients. And `bench/bare.py`: the same effect as the suite's, one transaction for
all that wait with counter, coupon, ledger row and outbox pack, behind bare Starlette and asyncpg without anything else; it runs
in turns with the suite, round by round, under the same load of 64 connections. The suite does it over HTTP through the gateway
as `quanyu serve` starts it, in one process or in two (`--split`). `keys`: each call has an Idempotency-Key. CPU is
milliseconds of the suite's processes for one call, with all that follows from it (relay, consumers, scoring), and in brackets
those of the bare program. What was tried to make them cheaper, and what of it paid: docs/adr/0014-hot-paths.md.
"""

import asyncio
import json
import time
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from bench.load import Result, median_of, request, run
from bench.servers import Suite, bare, database, execute, pgbench, suite

ROUNDS = 3
CALLS = 12_000
MANY = 1_000
Measure = Callable[[Suite, int], list[bytes]]
"""Makes what a round needs, and its calls."""

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


def claims(one: Suite, round_number: int, *, keys: bool = False) -> list[bytes]:
    """One template, one claim for each of many customers."""
    template = call(one, "POST", "/v1/coupon-templates", _offer(round_number))
    headers = "Idempotency-Key: claim-%d-%d\r\n" if keys else ""
    path = f"/v1/coupon-templates/{template['id']}/claims"
    return [
        request("POST", path, one.key, b'{"customer_id":"c%d"}' % number, headers and headers % (round_number, number))
        for number in range(CALLS)
    ]


def claims_with_keys(one: Suite, round_number: int) -> list[bytes]:
    """The same, each call with an Idempotency-Key."""
    return claims(one, round_number, keys=True)


def _offer(round_number: int) -> dict[str, Any]:
    return {
        "name": f"满300减50 #{round_number}",
        "currency": "CNY",
        "benefit": {"kind": "amount_off", "amount": 5000},
        "threshold": {"amount": 30000},
        "validity": {"days_after_claim": 7},
        "limits": {"total": CALLS, "per_customer": 1},
        "allow_zero_pay": True,  # hundreds of them on one order
    }


def _load(one: Suite, work: list[bytes]) -> Result:
    result = asyncio.run(run(one.port, work))
    assert result.statuses == {201: CALLS}, result.statuses
    return result


def claims_on_many(one: Suite, round_number: int) -> list[bytes]:
    """Claims spread over 1,000 templates: a batch locks and counts hundreds of rows."""
    template = json.dumps(_offer(round_number)).encode()
    before = {row["id"] for row in _templates(one)}
    made = asyncio.run(run(one.port, [request("POST", "/v1/coupon-templates", one.key, template)] * MANY, 8))
    assert made.statuses == {201: MANY}, made.statuses
    paths = [f"/v1/coupon-templates/{row['id']}/claims" for row in _templates(one) if row["id"] not in before]
    return [request("POST", paths[n % MANY], one.key, b'{"customer_id":"c%d"}' % n) for n in range(CALLS)]


def _templates(one: Suite) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    cursor = ""
    while True:
        page = call(one, "GET", f"/v1/coupon-templates?limit=100{cursor}")
        found += page["data"]
        if not page["has_more"]:
            return found
        cursor = f"&cursor={page['next_cursor']}"


def reservations(one: Suite, round_number: int) -> list[bytes]:
    if round_number == 0:
        call(one, "POST", "/v1/locations", {"id": "wh", "name": "Warehouse", "kind": "warehouse"})
    sku = f"hot-{round_number}"
    line = {"sku": sku, "location_id": "wh", "change": CALLS}
    call(one, "POST", "/v1/stock/adjustments", {"lines": [line], "reason": "received"})
    body = b'{"order_id":"o%d-%d","channel":"app","lines":[{"sku":"%s","quantity":1}],"ttl_seconds":900}'
    return [
        request("POST", "/v1/reservations", one.key, body % (round_number, number, sku.encode()))
        for number in range(CALLS)
    ]


def bare_claims(one: Suite, round_number: int) -> list[bytes]:
    """The yardstick's."""
    body = b'{"customer_id":"c%d-%d"}'
    path = "/v1/coupon-templates/1/claims"
    return [request("POST", path, one.key, body % (round_number, number)) for number in range(CALLS)]


def bare_reservations(one: Suite, round_number: int) -> list[bytes]:
    """The yardstick's."""
    body = b'{"order_id":"o%d-%d"}'
    return [request("POST", "/v1/reservations", one.key, body % (round_number, number)) for number in range(CALLS)]


_MEASURES = (
    ("claims on one template", claims, bare_claims, "coupons", ()),
    ("claims on one template, keys", claims_with_keys, bare_claims, "coupons", ()),
    ("claims on one template, `--split`", claims, bare_claims, "coupons", ("--split",)),
    ("claims on 1,000 templates", claims_on_many, bare_claims, "coupons", ()),
    ("reservations of one SKU", reservations, bare_reservations, "stock", ()),
)


def main() -> list[str]:
    """Rows of the results table."""
    with database() as url:
        asyncio.run(execute(url, *_TABLES))
        one_statement = median_of([pgbench(url, CLAIM) for _ in range(ROUNDS)])
    rows = [f"| pgbench, one statement, 32 clients (yardstick) | PostgreSQL | {one_statement:,.0f}/s | | | | 1.0 | |"]
    print(rows[-1], flush=True)
    for backend, label in (("postgresql", "PostgreSQL"), ("sqlite", "SQLite")):
        for name, measure, yardstick, audited, flags in _MEASURES:
            with suite(backend, *flags) as one, bare() as other:
                seen = _in_turns(one, other, measure, yardstick)
                audit = call(one, "GET", f"/v1/audit/{audited}")
            assert audit["ok"], audit
            rows.append(f"| {name} | {label} | {seen.line(one_statement)} |")
            print(rows[-1], flush=True)
    return rows


@dataclass
class _Seen:
    """Rounds of the suite, and of the bare program between them; `cpu` and `bare_cpu` in seconds for one call."""

    results: list[Result]
    bare: list[Result]
    cpu: list[float]
    bare_cpu: list[float]

    def line(self, one_statement: float) -> str:
        """The columns of the table."""
        rate = median_of([result.rate for result in self.results])
        p50, p99 = (median_of([result.percentile(share) for result in self.results]) * 1000 for share in (0.5, 0.99))
        share = median_of([ours.rate / theirs.rate for ours, theirs in zip(self.results, self.bare, strict=True)])
        cpu = f"{median_of(self.cpu) * 1000:.2f} ({median_of(self.bare_cpu) * 1000:.2f})"
        bare_rate = median_of([result.rate for result in self.bare])
        return f"{rate:,.0f}/s | {p50:.1f} | {p99:.1f} | {cpu} | {rate / one_statement:.1f} | {share:.2f} of {bare_rate:,.0f}/s"


def _in_turns(one: Suite, other: Suite, measure: Measure, yardstick: Measure) -> _Seen:
    seen = _Seen([], [], [], [])
    for number in range(ROUNDS):
        work = measure(one, number)
        before = _at_rest(one)
        seen.results.append(_load(one, work))
        seen.cpu.append((_at_rest(one) - before) / CALLS)
        work = yardstick(other, number)
        before = other.cpu_seconds()
        seen.bare.append(_load(other, work))
        seen.bare_cpu.append((other.cpu_seconds() - before) / CALLS)
    return seen


def _at_rest(one: Suite) -> float:
    """The suite's CPU seconds once it has done what followed from the calls (or after half a minute)."""
    last, end = one.cpu_seconds(), time.monotonic() + 30
    while time.monotonic() < end:
        time.sleep(1)
        now = one.cpu_seconds()
        if now - last < 0.1:  # its loops look around all the time
            return now
        last = now
    return last


if __name__ == "__main__":
    main()
