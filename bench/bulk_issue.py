"""Bulk issue: a file of customers through the gateway, then a coupon with ledger entry and message for each of them.

Yardstick, measured in the same run: COPY of as many bare coupon rows (id, template, customer, with both unique keys) into an
empty table. Growth: the second, larger list goes to a database that holds the first. Meanwhile single claims of another
template show what a job costs its neighbours.
"""

import asyncio
import json
import time
import urllib.request
from typing import Any

import asyncpg

from bench.hot_keys import call
from bench.load import Result, request, run
from bench.servers import Suite, database, execute, suite

SIZES = (10_000, 40_000)
_TABLE = (
    "CREATE TABLE coupon (id text PRIMARY KEY, template_id text NOT NULL, customer_id text NOT NULL, seq int NOT NULL,"
    " UNIQUE (customer_id, template_id, seq))",
)


async def _copy(url: str, size: int) -> float:
    """Rows a second."""
    connection = await asyncpg.connect(url)
    rows = [(f"cpn_{number:026}", "tpl_1", f"c{number}", 1) for number in range(size)]
    started = time.perf_counter()
    await connection.copy_records_to_table("coupon", records=rows)
    seconds = time.perf_counter() - started
    await connection.close()
    return size / seconds


def _template(one: Suite, name: str) -> str:
    body = {"name": name, "benefit": {"kind": "amount_off", "amount": 1000}, "validity": {"days_after_claim": 7}}
    made: str = call(one, "POST", "/v1/coupon-templates", body)["id"]
    return made


def _upload(one: Suite, template_id: str, customers: list[str]) -> tuple[str, float]:
    """The job's id and the seconds that its list took to come in."""
    data = ("customer_id\n" + "\n".join(customers)).encode()
    headers = {"Authorization": f"Bearer {one.key}", "Content-Type": "text/csv"}
    url = f"http://127.0.0.1:{one.port}/v1/coupon-templates/{template_id}/issues?reason=bench"
    started = time.perf_counter()
    question = urllib.request.Request(url, data, headers)
    with urllib.request.urlopen(question, timeout=120) as answer:  # noqa: S310 - our own server
        job: dict[str, Any] = json.load(answer)
    return str(job["id"]), time.perf_counter() - started


async def _claims_until_done(one: Suite, job_id: str, template_id: str) -> tuple[float, Result]:
    """Seconds until the job is done, and what single claims of another template saw meanwhile."""
    path = f"/v1/coupon-templates/{template_id}/claims"
    started, number = time.perf_counter(), 0
    seen: list[Result] = []
    while True:
        work = [request("POST", path, one.key, b'{"customer_id":"n%d"}' % (number + step)) for step in range(20)]
        number += len(work)
        seen.append(await run(one.port, work, connections=2))
        job = await asyncio.to_thread(call, one, "GET", f"/v1/coupon-jobs/{job_id}")
        if job["status"] == "done":
            seconds = time.perf_counter() - started
            assert job["issued"] == job["total"], job
            latencies = [latency for result in seen for latency in result.latencies]
            return seconds, Result(seconds, latencies, seen[0].statuses)
        await asyncio.sleep(0.05)


def main() -> list[str]:
    """Rows of the results table."""
    rows = []
    with database() as url:
        asyncio.run(execute(url, *_TABLE))
        bare = asyncio.run(_copy(url, SIZES[-1]))
    rows.append(f"| COPY of bare rows (yardstick) | PostgreSQL | {SIZES[-1]:,} | | {bare:,.0f}/s | | 1.00 |")
    print(rows[-1], flush=True)
    for backend, label in (("postgresql", "PostgreSQL"), ("sqlite", "SQLite")):
        with suite(backend) as one:
            for size in SIZES:
                neighbour = _template(one, "neighbour")
                job_id, upload = _upload(one, _template(one, f"bulk {size}"), [f"c{n}" for n in range(size)])
                seconds, claims = asyncio.run(_claims_until_done(one, job_id, neighbour))
                rate, p99 = size / seconds, claims.percentile(0.99) * 1000
                rows.append(
                    f"| bulk issue | {label} | {size:,} | {size / upload:,.0f}/s | {rate:,.0f}/s | {p99:.0f} "
                    f"| {rate / bare:.2f} |"
                )
                print(rows[-1], flush=True)
            audit = call(one, "GET", "/v1/audit/coupons")
            assert audit["ok"], audit
    return rows


if __name__ == "__main__":
    main()
