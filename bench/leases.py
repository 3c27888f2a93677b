"""Two processes, one hot template: with leased sub-quotas and without, and one process alone.

Claims over HTTP through the gateway, half of them to each process, 32 connections each, on one PostgreSQL. The ratio
compares with two processes that share the template's row instead (`QUANYU_COUPON_LEASE_SIZE=0`), measured in the same run.
"""

import asyncio
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from bench.hot_keys import call
from bench.load import Result, median_of, request, run
from bench.servers import Suite, database, suite

ROUNDS = 3
CALLS = 4_000


@contextmanager
def _processes(number: int, lease_size: int) -> Iterator[list[Suite]]:
    """So many processes of the whole suite on one new database; the key of the last one is good for all."""
    with ExitStack() as stack:
        url = stack.enter_context(database())
        settings = {"QUANYU_DATABASE_URL": url, "QUANYU_DATABASE_POOL_SIZE": "4"}
        settings["QUANYU_COUPON_LEASE_SIZE"] = str(lease_size)
        yield [stack.enter_context(suite("shared", **settings)) for _ in range(number)]


async def _halves(processes: list[Suite], path: str, key: str, round_number: int) -> list[Result]:
    work = [request("POST", path, key, b'{"customer_id":"c%d-%d"}' % (round_number, one)) for one in range(CALLS)]
    share = len(processes)
    return await asyncio.gather(*[run(one.port, work[at::share], 32) for at, one in enumerate(processes)])


def _rate(processes: list[Suite], round_number: int) -> float:
    """Claims a second of all processes together, all granted."""
    last = processes[-1]
    body = {
        "name": f"满300减50 #{round_number}",
        "benefit": {"kind": "amount_off", "amount": 5000},
        "threshold": {"amount": 30000},
        "validity": {"days_after_claim": 7},
        "limits": {"total": 100 * CALLS, "per_customer": 1},
    }
    path = f"/v1/coupon-templates/{call(last, 'POST', '/v1/coupon-templates', body)['id']}/claims"
    halves = asyncio.run(_halves(processes, path, last.key, round_number))
    assert sum(half.statuses[201] for half in halves) == CALLS, [half.statuses for half in halves]
    return CALLS / max(half.seconds for half in halves)


def main() -> list[str]:
    """Rows of the results table."""
    found: dict[str, list[float]] = {}
    for name, number, lease_size in (("without leases", 2, 0), ("with leases", 2, 2_000), ("one process", 1, 2_000)):
        with _processes(number, lease_size) as processes:
            found[name] = [_rate(processes, round_number) for round_number in range(ROUNDS)]
            assert call(processes[-1], "GET", "/v1/audit/coupons")["ok"]
    bare = median_of(found["without leases"])
    rows = []
    for name, rates in found.items():
        title = name if name == "one process" else f"two processes, {name}"
        rows.append(f"| {title} | {median_of(rates):,.0f}/s | {median_of(rates) / bare:.2f} |")
        print(rows[-1], flush=True)
    return rows


if __name__ == "__main__":
    main()
