"""Quotes over HTTP through the gateway: a cart of 5 lines, 3 running promotions, a wallet of 10 or 30 coupons.

Two yardsticks, measured in the same run: the bare engine on the same cart and offers in this process, which is what a quote
cannot do without (again between the rounds of each row), and a point-select by pgbench with one client, of which a quote needs
two (wallet, promotions). Latencies are those of one connection, rate and processor time those of 16, each cart of another
customer. The ratio is the rate's to the bare engine's. What else the machine does weighs least on the processor time. For
comparison: Medusa 2's promotion module computed 56 to 91 carts of 5 lines and 3 promotions a second on such a machine, without
HTTP and without a wallet.
"""

import asyncio
import json
import time
from typing import Any

from bench.hot_keys import call
from bench.load import Result, median_of, request, run
from bench.servers import Suite, database, execute, pgbench, suite
from services.coupon.pricing.cart import Cart, Line
from services.coupon.pricing.engine import price
from services.coupon.pricing.offers import Offer
from services.coupon.templates.terms import Terms
from services.coupon.templates.validity import FOREVER

ROUNDS = 3
ALONE = 300
TOGETHER = 800
WALLETS = (10, 30)
CUSTOMERS = 20
"""Of each wallet: more than there are connections, so that no two carts that are priced together share one."""
_CATEGORIES = ("shoes", "coats", "books", "toys", "tea")
_TABLES = (
    "CREATE TABLE wallet (id int PRIMARY KEY, body text NOT NULL)",
    "INSERT INTO wallet SELECT n, repeat('x', 200) FROM generate_series(1, 10000) AS n",
)
_SELECT = "\\set id random(1, 10000)\nSELECT id, body FROM wallet WHERE id = :id;\n"

Json = dict[str, Any]


def promotions() -> list[Json]:
    """满300减30, 运动鞋9折, 满500包邮."""
    return [
        {"benefit": {"kind": "amount_off", "amount": 3000}, "threshold": {"amount": 30_000}},
        {
            "benefit": {"kind": "percent_off", "percent_bp": 1000},
            "scope": {"include": {"categories": ["shoes"]}},
            "stacking": {"layer": "item"},
        },
        {"benefit": {"kind": "free_shipping"}, "threshold": {"amount": 50_000}},
    ]


def coupon(number: int) -> Json:
    """Amounts, percentages and ladders over different goods; every fifth stands in one exclusion group."""
    category = {"include": {"categories": [_CATEGORIES[number % 5]]}} if number % 3 else {}
    benefit = (
        {"kind": "amount_off", "amount": 500 + 37 * number},
        {"kind": "percent_off", "percent_bp": 300 + 11 * number, "max_amount": 4000},
        {
            "kind": "ladder",
            "steps": [{"threshold": 9000, "amount": 400}, {"threshold": 18_000, "amount": 900 + number}],
        },
    )[number % 3]
    stacking = {"group": "vip"} if number % 5 == 0 else {}
    return {"benefit": benefit, "threshold": {"amount": 8000 + 100 * number}, "scope": category, "stacking": stacking}


def lines() -> list[Json]:
    return [
        {
            "line_id": str(index),
            "sku": f"s{index}",
            "category": _CATEGORIES[index],
            "unit_price": 9_900 + 1_700 * index,
            "quantity": 1 + index % 2,
        }
        for index in range(5)
    ]


def bare(wallet: int) -> float:
    """Seconds of one call of the engine on the same cart and offers."""
    goods = (Line(list_price=one["unit_price"], **one) for one in lines())
    cart = Cart(tuple(goods), 800)
    made = [(f"prm_{n}", body, True) for n, body in enumerate(promotions())]
    made += [(f"cpn_{n:02}", coupon(n), False) for n in range(wallet)]
    offers = [Offer(name, name, Terms.model_validate(body), FOREVER, automatic=auto) for name, body, auto in made]
    taken = []
    for _ in range(50):
        started = time.perf_counter()
        price(cart, offers)
        taken.append(time.perf_counter() - started)
    return median_of(taken)


def prepare(one: Suite) -> None:
    """The promotions and templates, and the customers of each wallet."""
    for number, body in enumerate(promotions()):
        call(one, "POST", "/v1/promotions", {"name": f"促销{number}", **body, "allow_zero_pay": True})
    made = [
        call(one, "POST", "/v1/coupon-templates", {"name": f"券{number}", **coupon(number), "allow_zero_pay": True})
        for number in range(max(WALLETS))
    ]
    claims = [
        (f"/v1/coupon-templates/{template['id']}/claims", {"customer_id": f"with-{wallet}-{number}"})
        for wallet in WALLETS
        for template in made[:wallet]
        for number in range(CUSTOMERS)
    ]
    work = [request("POST", path, one.key, json.dumps(body).encode()) for path, body in claims]
    assert asyncio.run(run(one.port, work, 16)).statuses == {201: len(work)}


def quotes(one: Suite, wallet: int, calls: int, connections: int) -> Result:
    bodies = [{"customer_id": f"with-{wallet}-{n}", "shipping_fee": 800, "lines": lines()} for n in range(CUSTOMERS)]
    work = [request("POST", "/v1/quotes", one.key, json.dumps(body).encode()) for body in bodies]
    result = asyncio.run(run(one.port, (work * (calls // CUSTOMERS + 1))[:calls], connections))
    assert result.statuses == {200: calls}, result.statuses
    return result


def measured(one: Suite, wallet: int, label: str) -> list[str]:
    """The rows of one wallet's size: the bare engine, and the quote beside it."""
    quotes(one, wallet, ALONE // 4, 1)  # warm
    alone = [quotes(one, wallet, ALONE, 1) for _ in range(ROUNDS)]
    engine, rate, used = [], [], []
    for _ in range(ROUNDS):
        engine.append(bare(wallet) * 1000)
        before = one.cpu_seconds()
        rate.append(quotes(one, wallet, TOGETHER, 16).rate)
        used.append((one.cpu_seconds() - before) / TOGETHER * 1000)
    p50, p99 = (median_of([result.percentile(share) for result in alone]) * 1000 for share in (0.5, 0.99))
    itself, many = median_of(engine), median_of(rate)
    return [
        f"| bare engine, {wallet} coupons (yardstick) | | {1000 / itself:,.0f}/s | {itself:.2f} | | {itself:.2f} | 1.00 |",
        f"| quote, {wallet} coupons | {label} | {many:,.0f}/s | {p50:.1f} | {p99:.1f} | {median_of(used):.2f} "
        f"| {many * itself / 1000:.2f} |",
    ]


def main() -> list[str]:
    """Rows of the results table."""
    with database() as url:
        asyncio.run(execute(url, *_TABLES))
        select = 1000 / pgbench(url, _SELECT, clients=1, seconds=3)
    rows = [f"| pgbench, point-select, one client (yardstick) | PostgreSQL | | {select:.2f} | | | |"]
    print(*rows, sep="\n", flush=True)
    for backend, label in (("postgresql", "PostgreSQL"), ("sqlite", "SQLite")):
        with suite(backend) as one:
            prepare(one)
            for wallet in WALLETS:
                rows += measured(one, wallet, label)
                print(*rows[-2:], sep="\n", flush=True)
    return rows


if __name__ == "__main__":
    main()
