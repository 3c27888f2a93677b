"""Refunds of orders with every kind of offer, in any order and split: what comes back, and what does not before its time.

The orders have several lines, gifts, fees and points; cash-back is given and spent. After every step the audit is clean.
"""

from dataclasses import dataclass, field
from typing import Any

import pytest
from api.coupon.mall import Json, Mall
from conftest import Backend
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from kit.alone import START, Alone
from kit.examples import walk

from services.coupon.app import create_service
from services.coupon.settings import CouponSettings
from shared.clock import ManualClock

PICK = st.integers(0, 30)
FEE = 700
PRICES = {"a": 2_000, "b": 1_111, "mug": 450}
OFFERS: tuple[Json, ...] = (
    {"benefit": {"kind": "percent_off", "percent_bp": 1_500}},
    {"benefit": {"kind": "amount_off", "amount": 900}, "threshold": {"amount": 4_000}, "refund_policy": "clawback"},
    {"benefit": {"kind": "buy_get", "buy": {"quantity": 1}, "get": {"quantity": 1, "percent_bp": 5_000}}},
    {"benefit": {"kind": "gift", "sku": "tote", "quantity": 2}, "threshold": {"amount": 2_000}},
    {"benefit": {"kind": "exchange", "product_id": "mug"}},
    {"benefit": {"kind": "free_shipping"}, "threshold": {"amount": 1_500}},
    {"benefit": {"kind": "cash_back", "amount": 300}, "limits": {"budget": 9_000}},
)
UNITS = st.dictionaries(st.sampled_from(sorted(PRICES)), st.integers(1, 3), min_size=1)


@dataclass
class Order:
    """What the model knows of a paid order: prices and units that are left by line, the fee and gifts among them."""

    id: str
    paid: int
    points: int
    price: dict[str, int]
    left: dict[str, int]
    coupons: list[str]
    gifts: dict[str, str]
    given: dict[str, int] = field(default_factory=dict)
    points_back: int = 0


class Returns(RuleBasedStateMachine):
    """Two customers buy with some of their coupons, and give back."""

    backend: Backend

    @initialize()
    def open(self) -> None:
        self.orders: list[Order] = []
        place = self.backend.another()
        clock = ManualClock(START)
        self.alone = Alone(place, create_service, place.settings(CouponSettings, sweep_seconds=3600), clock)
        self.mall = Mall(self.alone.running)
        self.templates = [self.do(self.mall.template(allow_zero_pay=True, **offer)) for offer in OFFERS]
        self.do(self.mall.promotion(benefit={"kind": "gift", "sku": "card"}, threshold={"amount": 3_000}))

    def teardown(self) -> None:
        if hasattr(self, "alone"):
            self.alone.close()

    def do(self, call: Any) -> Any:
        return self.alone.run(call)

    @rule(
        customer=st.sampled_from(["c1", "c2"]),
        units=UNITS,
        offers=st.sets(st.integers(0, len(OFFERS) - 1), max_size=4),
        wallet=st.booleans(),
        points=st.sampled_from([0, 0, 333]),
    )
    def buy(self, customer: str, units: dict[str, int], offers: set[int], wallet: bool, points: int) -> None:
        """With coupons of these offers, or with the best of the wallet: what came back, and cash-back."""
        lines = [
            {"line_id": name, "sku": name, "product_id": name, "quantity": count, "unit_price": PRICES[name]}
            for name, count in units.items()
        ]
        claimed = [self.do(self.mall.claim(self.templates[at], customer)) for at in sorted(offers)]
        cart = {"customer_id": customer, "lines": lines, "shipping_fee": FEE, "points": points}
        checkout = self.do(
            self.mall.checkout(f"o{len(self.orders)}", {**cart, "coupons": "best" if wallet else claimed})
        )
        assert self.do(self.mall.end(checkout["id"], "commit")).status_code == 200
        quote = checkout["quote"]
        gifts = {line["line_id"]: line for line in quote["lines"] if line["kind"] != "item"}
        self.orders.append(
            Order(
                checkout["id"],
                quote["total"],
                quote["points_discount"],
                {**{name: PRICES[name] for name in units}, **dict.fromkeys(gifts, 0), "shipping": FEE},
                {**units, **{name: line["quantity"] for name, line in gifts.items()}, "shipping": 1},
                [lock["coupon_id"] for lock in checkout["locks"]],
                {name: line["source"] for name, line in gifts.items()},
            )
        )

    @precondition(lambda self: bool(getattr(self, "orders", [])))
    @rule(
        at=PICK,
        share=st.dictionaries(PICK, st.integers(1, 3), max_size=3),
        policy=st.sampled_from([None, "keep", "clawback"]),
        shipping=st.sampled_from(["when_whole", "when_whole", "never", "now"]),
    )
    def refund(self, at: int, share: dict[int, int], policy: str | None, shipping: str) -> None:
        """Some units of some lines; without any, all that is left."""
        order = self.orders[at % len(self.orders)]
        names = sorted(name for name, count in order.left.items() if count and name != "shipping")
        units = {names[pick % len(names)]: count for pick, count in share.items()} if names else {}
        units = {name: min(count, order.left[name]) for name, count in units.items()}
        lines = [{"line_id": name, "quantity": count} for name, count in units.items()]
        body = {"shipping": shipping, **({"lines": lines} if lines else {}), **({"policy": policy} if policy else {})}
        held = {one: self.do(self.mall.coupon(one))["status"] for one in order.coupons}
        answer = self.do(self.mall.try_refund(order.id, **body))
        if not names:
            assert answer.status_code in (201, 409)
            replayed = "idempotent-replayed" in answer.headers
        else:
            assert answer.status_code == 201, answer.text
            replayed = False
        if answer.status_code == 201 and not replayed:
            self._came_back(order, answer.json(), held)

    def _came_back(self, order: Order, refund: Json, held: dict[str, str]) -> None:
        for line in refund["lines"]:
            name = line["line_id"]
            order.left[name] -= line["quantity"]
            order.given[name] = order.given.get(name, 0) + line["amount"]
            order.points_back += line["points"]
            assert 0 <= line["amount"] + line["points"] <= order.price[name] * line["quantity"]
            assert all(share["amount"] > 0 for share in line["shares"])
        whole = not any(count for name, count in order.left.items() if name != "shipping")
        assert refund["whole"] == whole
        for coupon_id in refund["coupons_returned"]:
            assert held[coupon_id] == "redeemed"
            own = [name for name, source in order.gifts.items() if source == coupon_id]
            assert not any(order.left[name] for name in [*own, *(one for one in order.left if one in PRICES)])
        assert sum(order.given.values()) <= order.paid
        assert order.points_back <= order.points
        if not any(order.left.values()):
            assert (sum(order.given.values()), order.points_back) == (order.paid, order.points)

    @precondition(lambda self: bool(getattr(self, "orders", [])))
    @rule(at=PICK)
    def complete(self, at: int) -> None:
        """Cash-back is given."""
        assert self.do(self.mall.complete(self.orders[at % len(self.orders)].id)).status_code == 200

    @invariant()
    def the_books_agree(self) -> None:
        if hasattr(self, "mall"):
            assert self.do(self.mall.audit()) == {}


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
def test_returns_of_every_kind_in_any_order(backend: Backend) -> None:
    walk(Returns, lives=6, steps=20, backend=backend)
