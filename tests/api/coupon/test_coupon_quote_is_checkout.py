"""What a quote says is what a checkout freezes: drawn carts, wallets and promotions through the real service on SQLite."""

from itertools import count
from typing import Any

import pytest
from api.coupon.mall import Json, Mall
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from kit.alone import Alone
from kit.examples import examples

money = st.integers(1, 20_000)
benefits = st.one_of(
    st.fixed_dictionaries({"kind": st.just("amount_off"), "amount": money}),
    st.fixed_dictionaries({"kind": st.just("percent_off"), "percent_bp": st.integers(1, 10_000)}),
    st.fixed_dictionaries({"kind": st.just("fixed_price"), "amount": money}),
    st.fixed_dictionaries({"kind": st.just("cash_back"), "amount": money}),
    st.sampled_from([{"kind": "free_shipping"}, {"kind": "gift", "sku": "cup"}]),
)
offers = st.fixed_dictionaries(
    {
        "benefit": benefits,
        "threshold": st.one_of(st.just({}), st.fixed_dictionaries({"amount": money})),
        "limits": st.one_of(st.just({}), st.fixed_dictionaries({"budget": money, "budget_on": st.just("redemption")})),
        "scope": st.sampled_from([{}, {"include": {"skus": ["s1"]}}, {"first_order_only": True}]),
    }
)
stacking = st.fixed_dictionaries(
    {"group": st.sampled_from([None, "g"]), "exclusive": st.booleans(), "priority": st.integers(0, 2)}
)
lines = st.lists(st.tuples(money, st.integers(1, 3)), min_size=1, max_size=4)


class Shop:
    """One running service; every example has a customer of its own."""

    def __init__(self, mall: Mall) -> None:
        self.mall = mall
        self.numbers = count()

    async def trade(self, wallet: list[Json], promotions: list[Json], cart: Json) -> None:
        """Quote, check out, and compare all that is money; then quote again and pay."""
        customer = f"c{next(self.numbers)}"
        running = [await self.mall.promotion(allow_zero_pay=True, **one) for one in promotions]
        for one in wallet:
            await self.mall.claim(await self.mall.template(allow_zero_pay=True, **one), customer)
        cart = {**cart, "customer_id": customer}
        quote = await self.mall.quote(cart)
        assert await self.mall.quote(cart) == quote
        checkout = await self.mall.checkout(f"order-{customer}", cart)
        assert checkout["quote"] == quote
        assert quote["total"] == quote["subtotal"] - quote["discount"] - quote["points_discount"] + (
            quote["shipping_fee"] - quote["shipping_discount"]
        )
        taken = sum(one["amount"] for one in quote["applied"])
        assert taken == quote["discount"] + quote["shipping_discount"] <= quote["best_possible_discount"]
        assert (await self.mall.end(checkout["id"], "commit")).status_code == 200
        assert await self.mall.audit() == {}
        for promotion_id in running:
            await self.mall.http.patch(f"/v1/promotions/{promotion_id}", json={"status": "paused"})


@pytest.mark.parametrize("kept_backend", ["sqlite"], indirect=True)
def test_quote_is_checkout(alone: Alone) -> None:
    shop = Shop(Mall(alone.running))

    @settings(max_examples=examples(15), suppress_health_check=list(HealthCheck), database=None)
    @given(
        st.lists(st.tuples(offers, stacking), max_size=3),
        st.lists(st.tuples(offers, stacking), max_size=2),
        lines,
        st.integers(0, 2000),
        st.integers(0, 500),
    )
    def trade(wallet: Any, promotions: Any, goods: list[tuple[int, int]], fee: int, points: int) -> None:
        cart = {
            "lines": [
                {"line_id": str(index), "sku": f"s{index}", "unit_price": price, "quantity": quantity}
                for index, (price, quantity) in enumerate(goods)
            ],
            "shipping_fee": fee,
            "points": points,
        }
        alone.run(shop.trade([_offer(*one) for one in wallet], [_offer(*one) for one in promotions], cart))

    trade()


def _offer(body: Json, stacking: Json) -> Json:
    return {**body, "stacking": stacking}
