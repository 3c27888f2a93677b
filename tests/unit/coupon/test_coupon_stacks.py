"""Which pairs of offers give orders away, as far as their terms say."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.coupon.pricing.cart import Cart, Line
from services.coupon.pricing.engine import price
from services.coupon.pricing.offers import Offer
from services.coupon.pricing.stacks import LiveOffer, gives_away, stack_fault
from services.coupon.templates.terms import Terms
from services.coupon.templates.validity import FOREVER


def terms(amount: int, reach: int | None = None, **more: Any) -> Terms:
    threshold = {} if reach is None else {"threshold": {"amount": reach}}
    return Terms.model_validate({"benefit": {"kind": "amount_off", "amount": amount}, **threshold, **more})


def percent(percent_bp: int, **more: Any) -> Terms:
    return Terms.model_validate({"benefit": {"kind": "percent_off", "percent_bp": percent_bp}, **more})


def caught(new: Terms, live: Terms) -> bool:
    return bool(gives_away(new, False, [LiveOffer("tpl_1", "旧", live, False)]))


@pytest.mark.parametrize(
    ("new", "live", "answer"),
    [
        (terms(5000, 40_000), terms(38_000, 40_000), True),  # Taobao: 400-380 and 400-50
        (terms(2000, 10_000), terms(2000, 10_000), False),
        (terms(5000, 10_000), terms(5000, 10_000), True),
        (terms(4999, 10_000), terms(5000, 10_000), False),
        (terms(9000, 10_000), terms(1000, 10_001), False),
        (terms(9000, 10_000), terms(1000), True),  # with a voucher that needs no threshold
        (terms(20_000), terms(2000, 10_000), False),  # that one makes such an order free by itself
        (terms(1000), terms(1000), False),  # without a threshold there is no worst cart: they are meant to pay
        (terms(5000, 10_000), percent(5000, threshold={"amount": 5000}), True),
        (terms(5000, 10_000), percent(4999, threshold={"amount": 5000}), False),
        (percent(5000), percent(5000, threshold={"amount": 5000}), True),
        (percent(5000, stacking={"calculation": "sequential"}), percent(5000, threshold={"amount": 5000}), True),
        (percent(9000, threshold={"amount": 5000}), terms(501), True),
        (percent(9000, threshold={"amount": 5000}), terms(499), False),
        (terms(5000, 10_000, allow_zero_pay=True), terms(5000, 10_000), False),
        (terms(5000, 10_000), terms(5000, 10_000, allow_zero_pay=True), False),
        (terms(5000, 10_000, stacking={"group": "g"}), terms(5000, 10_000, stacking={"group": "g"}), False),
        (terms(5000, 10_000, stacking={"group": "g"}), terms(5000, 10_000, stacking={"group": "h"}), True),
        (terms(5000, 10_000), terms(5000, 10_000, stacking={"exclusive": True}), False),
        (terms(5000, 10_000, scope={"channels": ["app"]}), terms(5000, 10_000, scope={"channels": ["store"]}), False),
        (
            terms(5000, 10_000, scope={"include": {"shops": ["a"]}}),
            terms(5000, 10_000, scope={"include": {"shops": ["b"]}}),
            False,
        ),
        (
            terms(5000, 10_000, scope={"include": {"shops": ["a", "b"]}}),
            terms(5000, 10_000, scope={"include": {"shops": ["b"], "categories": ["shoes"]}}),
            True,
        ),
        (
            terms(5000, 10_000, validity={"until": "2026-11-11T00:00:00Z"}),
            terms(5000, 10_000, validity={"from": "2026-11-11T00:00:00Z"}),
            False,
        ),
    ],
)
def test_pairs(new: Terms, live: Terms, answer: bool) -> None:
    assert caught(new, live) == answer
    assert caught(live, new) == answer


def test_the_fault_names_the_live_offers() -> None:
    live = [LiveOffer(f"tpl_{number}", "旧", terms(5000, 10_000), False) for number in range(5)]
    fault = stack_fault(terms(6000, 10_000), "coupon", live)
    assert fault is not None
    assert (fault.code, fault.pointer, fault.offers) == ("stack_zero_pay", "#/benefit", tuple(one.id for one in live))
    assert "旧 (tpl_0)" in fault.detail
    assert "2 more" in fault.detail
    assert stack_fault(terms(4000, 10_000), "promotion", live) is None


pairs = st.tuples(st.integers(1, 300), st.integers(1, 300))


@given(pairs, pairs)
def test_what_is_not_caught_leaves_something_to_pay(new: tuple[int, int], live: tuple[int, int]) -> None:
    """Of two amounts under their own thresholds, on any cart that reaches both."""
    (a, more), (b, other_more) = new, live
    one, other = terms(a, a + more), terms(b, b + other_more)
    reach = max(a + more, b + other_more)
    for total in range(reach, reach + 20):
        cart = Cart((Line("1", 1, total, total),))
        both = price(cart, [Offer("a", "a", one, FOREVER), Offer("b", "b", other, FOREVER)])
        assert both.total > 0 or caught(one, other)
