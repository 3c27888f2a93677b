"""Prices within what is left of the offers' budgets."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from services.coupon.pricing.budgets import cost, price_within
from services.coupon.pricing.cart import Cart, Line
from services.coupon.pricing.engine import price
from services.coupon.pricing.offers import Offer
from services.coupon.templates.terms import Terms
from services.coupon.templates.validity import FOREVER

CART = Cart((Line("1", 1, 10_000, 10_000), Line("2", 2, 3000, 3000)), 500)


def offer(name: str, benefit: dict[str, Any], template: str | None = None, face: int | None = None) -> Offer:
    return Offer(name, template or name, Terms.model_validate({"benefit": benefit}), FOREVER, face_amount=face)


def off(name: str, amount: int, template: str | None = None) -> Offer:
    return offer(name, {"kind": "amount_off", "amount": amount}, template)


def test_an_offer_that_would_take_too_much_is_left_out_with_all_its_copies() -> None:
    offers = [off("a1", 5000, "a"), off("a2", 5000, "a"), off("b", 1000)]
    answer = price_within(CART, offers, {"a1": 4999, "a2": 4999})
    assert [use.offer.id for use in answer.uses] == ["b"]
    assert {one: answer.refused[one].code for one in ("a1", "a2")} == dict.fromkeys(("a1", "a2"), "budget_exhausted")
    assert price_within(CART, offers, {"a1": 5000, "a2": 5000}).discount == 6000


def test_cash_that_is_promised_is_taken_of_the_budget() -> None:
    back = offer("c", {"kind": "cash_back", "amount": 700})
    assert cost(price_within(CART, [back], {"c": 700}).uses[0]) == 700
    assert price_within(CART, [back], {"c": 699}).uses == ()


amounts = st.lists(st.tuples(st.integers(1, 9000), st.integers(0, 9000)), max_size=6)


@given(amounts)
def test_nobody_takes_more_than_is_left(drawn: list[tuple[int, int]]) -> None:
    offers = [off(f"o{index}", amount) for index, (amount, _) in enumerate(drawn)]
    left = {f"o{index}": budget for index, (_, budget) in enumerate(drawn) if budget % 3}
    answer = price_within(CART, offers, left)
    assert all(cost(use) <= left.get(use.offer.id, cost(use)) for use in answer.uses)
    assert {use.offer.id for use in answer.uses} | set(answer.refused) == {one.id for one in offers}
    assert answer.discount <= price(CART, offers).discount
