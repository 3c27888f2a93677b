"""Orders in any order: lock, commit, roll back, extend, refund, complete, expiry and time, by two clients.

A model without a database says what each call must answer and what each checkout must be; after every step it agrees with
the service, and the audit is clean. Hypothesis walks the real service on SQLite, over HTTP, with a clock that it moves.
"""

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import httpx
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

CUSTOMERS = st.sampled_from(["c1", "c2"])
PICK = st.integers(0, 30)
FEE = 700


@dataclass
class Order:
    """What the model knows of one checkout."""

    id: str
    order_id: str
    body: Json
    expires: datetime
    left: int
    paid: int
    status: str = "locked"
    refunded: int = 0
    coupons: tuple[str, ...] = ()


class Orders(RuleBasedStateMachine):
    """Coupons with a budget, on issue and on redemption, and promotions with limits, one of them with cash-back."""

    backend: Backend

    @initialize()
    def open(self) -> None:
        self.clock = ManualClock(START)
        self.orders: list[Order] = []
        place = self.backend.another()
        # The loops only run when the machine says so.
        self.alone = Alone(place, create_service, place.settings(CouponSettings, sweep_seconds=3600), self.clock)
        self.mall = Mall(self.alone.running)
        self.do(self._offers())

    async def _offers(self) -> None:
        week = {"days_after_claim": 7}
        self.templates = [
            await self.mall.template(1_000, validity=week, limits={"budget": 4_000, "per_customer": 9}),
            await self.mall.template(
                600, limits={"budget": 1_500, "budget_on": "redemption"}, refund_policy="clawback"
            ),
        ]
        await self.mall.promotion(200, limits={"budget": 700, "total": 5}, threshold={"amount": 2_000})
        await self.mall.promotion(benefit={"kind": "cash_back", "percent_bp": 1000}, limits={"per_day": 4})

    def teardown(self) -> None:
        if hasattr(self, "alone"):
            self.alone.close()

    def do(self, call: Any) -> Any:
        return self.alone.run(call)

    def together(self, *calls: Any) -> list[httpx.Response]:
        async def all_of_them() -> list[httpx.Response]:
            return list(await asyncio.gather(*calls))

        found: list[httpx.Response] = self.alone.run(all_of_them())
        return found

    def live(self, order: Order) -> bool:
        return order.status == "locked" and order.expires > self.clock.now()

    def picked(self, at: int) -> Order:
        return self.orders[at % len(self.orders)]

    @rule(customer=CUSTOMERS, which=st.integers(0, 1))
    def claim(self, customer: str, which: int) -> None:
        assert self.do(self.mall.try_claim(self.templates[which], customer)).status_code in (201, 409)

    def _cart(self, customer: str, quantity: int, order_id: str, ttl: int) -> Json:
        cart = {**self.mall.cart(1_111, quantity), "customer_id": customer, "shipping_fee": FEE}
        return {**cart, "order_id": order_id, "ttl_seconds": ttl}

    def _opened(self, answer: httpx.Response, body: Json) -> None:
        found = answer.json()
        expires = datetime.fromisoformat(found["expires_at"])
        used = tuple(lock["coupon_id"] for lock in found["locks"])
        paid = found["quote"]["total"]
        self.orders.append(
            Order(found["id"], found["order_id"], body, expires, body["lines"][0]["quantity"], paid, coupons=used)
        )

    @rule(customer=CUSTOMERS, quantity=st.integers(1, 4), number=st.integers(0, 5), ttl=st.sampled_from([60, 90_000]))
    def lock(self, customer: str, quantity: int, number: int, ttl: int) -> None:
        body = self._cart(customer, quantity, f"o{number}", ttl)
        quoted = self.do(self.mall.quote({key: body[key] for key in ("customer_id", "lines", "shipping_fee")}))
        answer = self.do(self.mall.http.post("/v1/checkouts", json=body))
        open_ = [one for one in self.orders if one.order_id == body["order_id"] and self._open(one)]
        if open_:
            same = open_[0].body == body
            assert answer.status_code == (201 if same else 422), answer.text
            assert not same or answer.json()["id"] == open_[0].id
            return
        assert answer.status_code == 201, answer.text
        # What locks hold that ran out is free for orders at once, for quotes when the sweeper came by.
        ran_out = [one for one in self.orders if one.status == "locked" and not self.live(one)]
        assert ran_out or answer.json()["quote"] == quoted
        for one in ran_out:
            if customer == one.body["customer_id"] or body["order_id"] == one.order_id:
                one.status = "expired"
        self._opened(answer, body)

    def _open(self, order: Order) -> bool:
        return order.status == "committed" or self.live(order)

    @rule(customer=CUSTOMERS, which=st.integers(0, 1))
    def two_orders_want_one_coupon(self, customer: str, which: int) -> None:
        claimed = self.do(self.mall.try_claim(self.templates[which], customer))
        if claimed.status_code != 201:
            return
        bodies = [
            {**self._cart(customer, 3, f"t{len(self.orders)}{name}", 90_000), "coupons": [claimed.json()["id"]]}
            for name in "ab"
        ]
        answers = self.together(*[self.mall.http.post("/v1/checkouts", json=body) for body in bodies])
        for body, answer in zip(bodies, answers, strict=True):
            if answer.status_code == 201:
                self._opened(answer, body)
        for one in self.orders:
            if one.status == "locked" and not self.live(one) and one.body["customer_id"] == customer:
                one.status = "expired"
        holders = [one for one in self.orders[-2:] if claimed.json()["id"] in one.coupons and self.live(one)]
        assert len(holders) <= 1
        assert sorted(answer.status_code for answer in answers) in ([201, 409], [201, 201])

    @precondition(lambda self: bool(getattr(self, "orders", [])))
    @rule(at=PICK, how=st.sampled_from(["commit", "rollback"]))
    def end(self, at: int, how: str) -> None:
        order = self.picked(at)
        self._ended(order, how, self.do(self.mall.end(order.id, how)))

    def _ended(self, order: Order, how: str, answer: httpx.Response) -> None:
        if how == "rollback":
            assert answer.status_code == (409 if order.status == "committed" else 200), answer.text
            if order.status != "committed":
                order.status = "rolled_back"
            return
        if order.status == "rolled_back":
            assert answer.json()["code"] == "checkout_rolled_back"
        elif order.status in ("locked", "committed"):
            assert answer.status_code == 200, answer.text
            order.status = "committed"
        else:
            assert answer.status_code in (200, 409), answer.text
            assert answer.status_code == 200 or answer.json()["code"] in ("checkout_expired", "checkout_replaced")
            order.status = "committed" if answer.status_code == 200 else order.status

    @precondition(lambda self: bool(getattr(self, "orders", [])))
    @rule(at=PICK)
    def both_ends_at_once(self, at: int) -> None:
        order = self.picked(at)
        rolled, committed = self.together(self.mall.end(order.id, "rollback"), self.mall.end(order.id, "commit"))
        assert not (rolled.status_code == 200 and committed.status_code == 200)
        if committed.status_code == 200:
            order.status = "committed"
        elif rolled.status_code == 200:
            order.status = "rolled_back"

    @precondition(lambda self: bool(getattr(self, "orders", [])))
    @rule(at=PICK, ttl=st.sampled_from([30, 90_000]))
    def extend(self, at: int, ttl: int) -> None:
        order = self.picked(at)
        answer = self.do(self.mall.extend(order.id, ttl))
        if order.status in ("committed", "rolled_back"):
            assert answer.json()["code"] == f"checkout_{order.status}"
        elif self.live(order):
            assert answer.status_code == 200
            order.expires = max(order.expires, self.clock.now() + timedelta(seconds=ttl))
        else:
            assert (answer.status_code, answer.json()["code"]) == (410, "checkout_expired")

    @precondition(lambda self: bool(getattr(self, "orders", [])))
    @rule(
        at=PICK, units=st.integers(1, 3), policy=st.sampled_from([None, "keep", "clawback"]), clients=st.integers(1, 2)
    )
    def refund(self, at: int, units: int, policy: str | None, clients: int) -> None:
        order = self.picked(at)
        body: Json = {"lines": [{"line_id": "1", "quantity": units}]} | ({"policy": policy} if policy else {})
        for answer in self.together(*[self.mall.try_refund(order.id, **body) for _ in range(clients)]):
            if order.status != "committed":
                assert answer.json()["code"] == "checkout_not_committed"
            elif answer.status_code == 409:
                assert answer.json()["code"] == "nothing_left_to_refund"
            else:
                assert answer.status_code == 201, answer.text
                order.left -= units
                order.refunded += answer.json()["amount"]
        assert order.left >= 0
        assert order.refunded == order.paid if order.left == 0 else order.refunded <= order.paid

    @precondition(lambda self: bool(getattr(self, "orders", [])))
    @rule(at=PICK)
    def complete(self, at: int) -> None:
        order = self.picked(at)
        answer = self.do(self.mall.complete(order.id))
        assert answer.status_code == (200 if order.status == "committed" else 409), answer.text

    @rule(seconds=st.sampled_from([30, 61, 50_000]), swept=st.booleans())
    def wait(self, seconds: int, swept: bool) -> None:
        self.clock.advance(seconds=seconds)
        if swept:
            self.do(self.mall.running.tick())
            for one in self.orders:
                if one.status == "locked" and not self.live(one):
                    one.status = "expired"

    @invariant()
    def the_books_agree(self) -> None:
        if hasattr(self, "mall"):
            assert self.do(self.mall.audit()) == {}

    @invariant()
    def the_service_says_what_the_model_says(self) -> None:
        for order in getattr(self, "orders", [])[-2:]:
            seen = self.do(self.mall.http.get(f"/v1/checkouts/{order.id}")).json()
            due = order.status == "locked" and not self.live(order)
            assert seen["status"] == ("expired" if due else order.status)


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
def test_service_and_model_agree_after_every_step(backend: Backend) -> None:
    walk(Orders, lives=8, steps=25, backend=backend)
