"""The pricing engine, in one process on one core: carts, running promotions, wallets.

Yardsticks: the same cart priced by trying every combination (naive, in the same run), and the 91 carts of 5 lines and 3
promotions a second that Medusa's promotion module did at best on such a machine. Every call compiles the offers anew, as a
quote does. The growth tables say how the time of one quote grows with the wallet and with the cart.
"""

import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from itertools import combinations
from typing import Any

from bench.load import median_of
from services.coupon.pricing.cart import Cart, Line
from services.coupon.pricing.engine import price, reprice
from services.coupon.pricing.offers import Offer
from services.coupon.templates.terms import Terms

ROUNDS = 3
SECONDS = 0.4
MEDUSA = 91
"""Carts a second."""
_END = datetime(2099, 1, 1, tzinfo=UTC)
_CATEGORIES = ("shoes", "hats", "bags")


def cart(lines: int) -> Cart:
    return Cart(
        tuple(
            Line(
                str(at),
                1 + at % 3,
                5900 + 1300 * (at % 7),
                6900 + 1300 * (at % 7),
                product_id=f"p{at}",
                sku=f"s{at}",
                shop_id=f"shop{at % 2}",
                category=_CATEGORIES[at % 3],
            )
            for at in range(lines)
        ),
        shipping_fee=1000,
    )


def offer(name: str, benefit: dict[str, Any], *, automatic: bool = False, **terms: Any) -> Offer:
    body = {"benefit": benefit, "allow_zero_pay": True, **terms}
    return Offer(name, f"of {name}", Terms.model_validate(body), _END, automatic=automatic)


def promotions() -> list[Offer]:
    """A limited-time price for one category, a ladder over the shop, buy two get one."""
    ladder = {"kind": "ladder", "steps": [{"threshold": 10_000, "amount": 1000}, {"threshold": 50_000, "amount": 6000}]}
    given = {"kind": "buy_get", "buy": {"quantity": 2}, "get": {"quantity": 1}, "max_times": 1}
    shoes, hats = ({"include": {"categories": [name]}} for name in _CATEGORIES[:2])
    layer = {"layer": "shop"}
    return [
        offer(
            "p1", {"kind": "percent_off", "percent_bp": 1000}, automatic=True, stacking={"layer": "item"}, scope=shoes
        ),
        offer("p2", ladder, automatic=True, stacking=layer),
        offer("p3", given, automatic=True, stacking=layer, scope=hats),
    ]


def wallet(coupons: int) -> list[Offer]:
    """Amounts, portions, prices per unit and free shipping; a third in exclusion groups, a fifth on running balances."""
    kinds: list[Callable[[int], dict[str, Any]]] = [
        lambda number: {"kind": "amount_off", "amount": 500 + 37 * number},
        lambda number: {"kind": "percent_off", "percent_bp": 300 + 20 * number, "max_amount": 4000},
        lambda number: {"kind": "every", "threshold": 20_000, "amount": 300 + 11 * number},
        lambda _number: {"kind": "percent_off", "percent_bp": 2000, "per": "unit", "max_units": 1},
        lambda number: {"kind": "free_shipping", "max_amount": 500 + 10 * number},
    ]
    made = []
    for number in range(coupons):
        stacking: dict[str, Any] = {} if number % 5 else {"calculation": "sequential"}
        if number % 3 == 0:
            stacking["group"] = f"g{number % 4}"
        scope = {"include": {"categories": [_CATEGORIES[number % 3]]}} if number % 2 else {}
        made.append(
            offer(
                f"c{number:02}",
                kinds[number % len(kinds)](number),
                threshold={"amount": 3000 + 500 * number},
                scope=scope,
                stacking=stacking,
            )
        )
    return made


def naive(goods: Cart, offers: Sequence[Offer]) -> int:
    """The largest discount of all combinations, each priced from the start."""
    return max(reprice(goods, chosen).bound for size in range(len(offers) + 1) for chosen in combinations(offers, size))


def times(call: Callable[[], object], seconds: float = SECONDS) -> list[float]:
    """How long each call kept its core busy, in seconds, sorted: the engine waits for nothing but other processes."""
    taken: list[float] = []
    end = time.thread_time() + seconds
    while not taken or time.thread_time() < end:
        start = time.thread_time()
        call()
        taken.append(time.thread_time() - start)
    return sorted(taken)


def _measured(goods: Cart, offers: Sequence[Offer]) -> tuple[float, float, float]:
    """Quotes a second, median and 99th percentile in ms: medians of the rounds."""
    rounds = [times(lambda: price(goods, offers)) for _ in range(ROUNDS)]
    rate = median_of([len(one) / sum(one) for one in rounds])
    p50, p99 = (median_of([one[int(len(one) * share)] for one in rounds]) * 1000 for share in (0.5, 0.99))
    return rate, p50, p99


def main() -> list[str]:
    """Rows of the results table."""
    rows: list[str] = []

    def tell(row: str) -> None:
        rows.append(row)
        print(row, flush=True)

    goods, running = cart(5), promotions()
    slow = times(lambda: naive(goods, running))
    bare = len(slow) / sum(slow)
    tell(f"| 5 lines, 3 promotions, every combination tried (yardstick) | {bare:,.0f}/s | | | 1.0 |")
    rate, p50, p99 = _measured(goods, running)
    tell(
        f"| 5 lines, 3 promotions | {rate:,.0f}/s | {p50:.2f} | {p99:.2f} | {rate / bare:.1f} ({rate / MEDUSA:.0f} × Medusa) |"
    )
    few = [*running, *wallet(7)]
    slow = times(lambda: naive(goods, few), 0)
    rate, p50, p99 = _measured(goods, few)
    tell(
        f"| 5 lines, 3 promotions, wallet of 7, every combination tried (yardstick) | {1 / slow[0]:,.1f}/s | | | 1.0 |"
    )
    tell(f"| 5 lines, 3 promotions, wallet of 7 | {rate:,.0f}/s | {p50:.2f} | {p99:.2f} | {rate * slow[0]:,.0f} |")
    for coupons in (0, 5, 10, 20, 30):
        rate, p50, p99 = _measured(goods, [*running, *wallet(coupons)])
        tell(f"| 5 lines, 3 promotions, wallet of {coupons} | {rate:,.0f}/s | {p50:.2f} | {p99:.2f} | |")
    for lines in (1, 5, 20, 100):
        rate, p50, p99 = _measured(cart(lines), [*running, *wallet(10)])
        tell(f"| {lines} lines, 3 promotions, wallet of 10 | {rate:,.0f}/s | {p50:.2f} | {p99:.2f} | |")
    return rows


if __name__ == "__main__":
    main()
