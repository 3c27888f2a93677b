"""Codes: unique ones in batches, from the request until the last one is there, and redeeming them over HTTP.

Yardstick for making them, measured in the same run: COPY of rows that are ready, into a bare table with the same keys. The
suite draws its codes from the system's chance, inserts them in resumable chunks and counts them. Yardstick for redeeming:
the bare redemption as one SQL statement, driven by pgbench with 32 clients. Sizes show how cost grows.
"""

import asyncio
import time
import urllib.request

import asyncpg

from bench.hot_keys import call
from bench.load import Result, request, run
from bench.servers import Suite, database, execute, pgbench, suite
from services.coupon.code_format import new_code

SIZES = (10_000, 100_000, 1_000_000)
CALLS = 6_000
_TABLE = (
    "CREATE TABLE code (batch_id varchar(40), number bigint, code varchar(24) UNIQUE, customer_id varchar(200),"
    " coupon_id varchar(40), PRIMARY KEY (batch_id, number))"
)
_COUPON = "CREATE TABLE coupon (id bigserial PRIMARY KEY, customer_id text NOT NULL, code text NOT NULL UNIQUE)"
REDEEM = """\\set number random(1, 100000)
WITH won AS (UPDATE code SET customer_id = 'c1' WHERE number = :number AND batch_id = 'b' AND customer_id IS NULL
RETURNING code) INSERT INTO coupon (customer_id, code) SELECT 'c1', code FROM won;
"""


async def _copy(url: str, size: int) -> float:
    """Rows a second of COPY; the rows are made before."""
    rows = [("b", number, new_code(), None, None) for number in range(1, size + 1)]
    connection = await asyncpg.connect(url)
    try:
        started = time.perf_counter()
        await connection.copy_records_to_table("code", records=rows)
        return size / (time.perf_counter() - started)
    finally:
        await connection.close()


def _template(one: Suite) -> str:
    body = {"name": "兑换码", "benefit": {"kind": "amount_off", "amount": 500}, "limits": {"per_customer": 1}}
    return str(call(one, "POST", "/v1/coupon-templates", body)["id"])


def _make(one: Suite, template_id: str, size: int) -> tuple[str, float]:
    """The batch, and its codes a second as who waits for it sees them."""
    started = time.perf_counter()
    batch_id = str(call(one, "POST", f"/v1/coupon-templates/{template_id}/codes", {"count": size})["id"])
    while call(one, "GET", f"/v1/code-batches/{batch_id}")["status"] != "done":
        time.sleep(0.05)
    return batch_id, size / (time.perf_counter() - started)


def _download(one: Suite, batch_id: str, kind: str) -> bytes:
    headers = {"Authorization": f"Bearer {one.key}"}
    url = f"http://127.0.0.1:{one.port}/v1/code-batches/{batch_id}/download?format={kind}"
    with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=600) as answer:
        content: bytes = answer.read()
        return content


def _redeem(one: Suite, codes: list[str]) -> Result:
    body = '{{"code":"{}","customer_id":"c{}"}}'
    work = [
        request("POST", "/v1/codes/redeem", one.key, body.format(code, number).encode())
        for number, code in enumerate(codes)
    ]
    result = asyncio.run(run(one.port, work))
    assert result.statuses == {201: len(codes)}, result.statuses
    return result


def main() -> list[str]:
    """Rows of the results table."""
    rows: list[str] = []

    def add(row: str) -> None:
        rows.append(row)
        print(row, flush=True)

    with database() as url:
        asyncio.run(execute(url, _TABLE, _COUPON))
        copied = asyncio.run(_copy(url, SIZES[1]))
        bare = pgbench(url, REDEEM)
    add(f"| COPY of {SIZES[1]:,} rows that are ready (yardstick) | PostgreSQL | {copied:,.0f}/s | | 1.00 |")
    add(f"| pgbench, one statement to redeem, 32 clients (yardstick) | PostgreSQL | {bare:,.0f}/s | | 1.00 |")
    for backend, label in (("postgresql", "PostgreSQL"), ("sqlite", "SQLite")):
        with suite(backend) as one:
            template_id = _template(one)
            for size in SIZES:
                batch_id, rate = _make(one, template_id, size)
                add(
                    f"| a batch of {size:,} codes | {label} | {rate:,.0f}/s | {size / rate:.2f} | {rate / copied:.2f} |"
                )
            for kind in ("csv", "xlsx"):
                started = time.perf_counter()
                content = _download(one, batch_id, kind)
                seconds = time.perf_counter() - started
                add(
                    f"| download of {SIZES[-1]:,} codes as {kind} | {label} | {SIZES[-1] / seconds:,.0f}/s | {seconds:.2f} | |"
                )
                if kind == "csv":
                    codes = [line.split(",")[1] for line in content.decode("utf-8-sig").splitlines()[1 : CALLS + 1]]
            done = _redeem(one, codes)
            p99 = done.percentile(0.99) * 1000
            add(
                f"| codes redeemed over HTTP, p99 {p99:.0f} ms | {label} | {done.rate:,.0f}/s | | {done.rate / bare:.2f} |"
            )
            audit = call(one, "GET", "/v1/audit/coupons")
            assert audit["ok"], audit
    return rows


if __name__ == "__main__":
    main()
