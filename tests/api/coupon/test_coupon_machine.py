"""Any order of issue, lock, commit, rollback, void, expiry and time: after every step the books agree.

Hypothesis walks the real service on SQLite, over HTTP, with a clock that it moves itself.
"""

import asyncio
from typing import Any

import pytest
from api.coupon.mall import Mall
from conftest import Backend
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from kit.alone import START, Alone
from kit.examples import walk

from services.coupon.app import create_service
from services.coupon.settings import CouponSettings
from shared.clock import ManualClock

CUSTOMERS = st.sampled_from(["c1", "c2"])
ORDERS = st.sampled_from(["o1", "o2", "o3"])
TOTAL, BUDGET = 8, 7000


class Trade(RuleBasedStateMachine):
    """One offer of 1,000 with few coupons and a tight budget, two customers, three orders."""

    backend: Backend

    @initialize()
    def open(self) -> None:
        self.clock = ManualClock(START)
        self.checkouts: list[str] = []
        self.coupons: list[str] = []
        self.committed: set[str] = set()
        place = self.backend.another()
        # The loops only run when the machine says so.
        self.alone = Alone(place, create_service, place.settings(CouponSettings, sweep_seconds=3600), self.clock)
        self.mall = Mall(self.alone.running)
        self.do(self._offers())

    async def _offers(self) -> None:
        self.template_id = await self.mall.template(
            1000,
            validity={"days_after_claim": 1},
            limits={"total": TOTAL, "per_customer": 5, "budget": BUDGET},
        )

    def teardown(self) -> None:
        if hasattr(self, "alone"):
            self.alone.close()

    def do(self, call: Any) -> Any:
        return self.alone.run(call)

    @rule(customer=CUSTOMERS)
    def claim(self, customer: str) -> None:
        answer = self.do(self.mall.try_claim(self.template_id, customer))
        assert answer.status_code in (201, 409), answer.text
        if answer.status_code == 201:
            self.coupons.append(answer.json()["id"])

    @rule(customer=CUSTOMERS, order=ORDERS, price=st.sampled_from([400, 5000]), ttl=st.sampled_from([60, 90_000]))
    def lock(self, customer: str, order: str, price: int, ttl: int) -> None:
        cart = {**self.mall.cart(price), "customer_id": customer}
        quoted = self.do(self.mall.quote(cart))
        answer = self.do(self.mall.try_checkout(order, cart, ttl_seconds=ttl))
        assert answer.status_code in (201, 422), answer.text
        if answer.status_code == 201 and "idempotent-replayed" not in answer.headers:
            assert answer.json()["quote"] == quoted
            self.checkouts.append(answer.json()["id"])

    @rule(customer=CUSTOMERS, ttl=st.sampled_from([60, 90_000]))
    def claim_and_lock(self, customer: str, ttl: int) -> None:
        """The usual way into a shop, with an order of its own."""
        self.claim(customer)
        self.lock(customer, f"n{len(self.checkouts)}", 5000, ttl)

    @rule(at=st.integers(0, 50), how=st.sampled_from(["commit", "rollback"]))
    def end(self, at: int, how: str) -> None:
        if not self.checkouts:
            return
        checkout_id = self.checkouts[at % len(self.checkouts)]
        answer = self.do(self.mall.end(checkout_id, how))
        assert answer.status_code in (200, 409), answer.text
        if answer.status_code == 200 and how == "commit":
            self.committed.add(checkout_id)
        assert not (how == "rollback" and answer.status_code == 200 and checkout_id in self.committed)

    @rule(at=st.integers(0, 50))
    def both_ends_at_once(self, at: int) -> None:
        if not self.checkouts:
            return
        checkout_id = self.checkouts[at % len(self.checkouts)]

        async def together() -> list[int]:
            ends = [self.mall.end(checkout_id, how) for how in ("rollback", "commit")]
            return [answer.status_code for answer in await asyncio.gather(*ends)]

        rolled, committed = self.do(together())
        assert not (rolled == 200 and committed == 200)
        if committed == 200:
            self.committed.add(checkout_id)

    @rule(at=st.integers(0, 50))
    def void(self, at: int) -> None:
        if self.coupons:
            coupon_id = self.coupons[at % len(self.coupons)]
            answer = self.do(self.mall.http.post(f"/v1/coupons/{coupon_id}/void", json={"reason": "x"}))
            assert answer.status_code in (200, 409), answer.text

    @rule(seconds=st.sampled_from([30, 61, 50_000]), swept=st.booleans())
    def wait(self, seconds: int, swept: bool) -> None:
        self.clock.advance(seconds=seconds)
        if swept:
            self.do(self.mall.running.tick())

    @invariant()
    def the_books_agree(self) -> None:
        if hasattr(self, "mall"):
            assert self.do(self.mall.audit()) == {}

    @invariant()
    def the_limits_hold(self) -> None:
        if hasattr(self, "mall"):
            seen = self.do(self.mall.seen(self.template_id))
            assert len(self.coupons) == seen["issued"] <= TOTAL
            assert 0 <= seen["budget_spent"] <= BUDGET


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
def test_the_books_agree_after_every_step(backend: Backend) -> None:
    walk(Trade, lives=30, steps=30, backend=backend)
