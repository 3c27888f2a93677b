"""What is missing 凑单: all conditions that are not met are told at once, and who meets them may use the offer."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kit.examples import examples
from unit.coupon.carts import Json, line, offer, priced

from services.coupon.audience.rules import Facts
from services.coupon.pricing.candidates import Candidate, Moment, unusable, with_the_carts
from services.coupon.pricing.cart import Cart
from services.coupon.pricing.offers import Refusal
from services.coupon.templates.terms import Terms
from services.coupon.templates.validity import FOREVER

NOW = datetime(2026, 11, 11, 4, tzinfo=UTC)
TEA: Json = {"include": {"categories": ["tea"]}}
CUPS: Json = {"include": {"categories": ["cups"]}}
LADDER: Json = {"kind": "ladder", "steps": [{"threshold": 3000, "amount": 300}, {"threshold": 8000, "amount": 900}]}
BY_PIECES: Json = {"kind": "ladder", "by": "quantity", "steps": [{"threshold": 3, "percent_bp": 1000}]}
TWO_FOR_ONE: Json = {"kind": "buy_get", "buy": {"quantity": 1}, "get": {"quantity": 1}}
SET: Json = {"kind": "bundle_price", "skus": {"pot": 1, "lid": 1}, "amount": 1}
OFF: Json = {"kind": "amount_off", "amount": 100}


def told(refusal: Refusal) -> list[tuple[str, int | None, int | None]]:
    return [(one.code, one.missing_amount, one.missing_quantity) for one in refusal.unmet]


@pytest.mark.parametrize(
    ("benefit", "terms", "unmet"),
    [
        (LADDER, {"threshold": {"amount": 2000}}, [("below_threshold", 2500, None)]),
        (LADDER, {"threshold": {"amount": 4000}}, [("below_threshold", 3500, None)]),
        (OFF, {"threshold": {"amount": 2000, "quantity": 3}}, [("below_threshold", 1500, 2)]),
        (LADDER, {"threshold": {"quantity": 3}}, [("below_threshold", 2500, 2)]),
        (BY_PIECES, {"threshold": {"amount": 2000}}, [("below_threshold", 1500, 2)]),
        (BY_PIECES, {"threshold": {"quantity": 5}}, [("below_threshold", None, 4)]),
        (TWO_FOR_ONE, {"threshold": {"amount": 2000}}, [("below_threshold", 1500, 1)]),
        (SET, {"threshold": {"amount": 2000}}, [("below_threshold", 1500, None), ("below_threshold", None, 2)]),
        (OFF, {"scope": CUPS}, [("out_of_scope", None, 1)]),
        (
            OFF,
            {"scope": CUPS, "threshold": {"amount": 700}},
            [("out_of_scope", None, 1), ("below_threshold", 700, None)],
        ),
        (
            OFF,
            {"scope": CUPS, "threshold": {"amount": 700, "scope": TEA}},
            [("out_of_scope", None, 1), ("below_threshold", 200, None)],
        ),
    ],
)
def test_all_that_the_cart_lacks_is_told(benefit: Json, terms: Json, unmet: list[tuple[str, int | None, int]]) -> None:
    refusal = priced([line("1", 500, category="tea")], offer("x", benefit, **terms)).refused["cpn_x"]
    assert told(refusal) == unmet
    assert refusal.code == unmet[0][0]
    assert refusal.missing_amount == max((amount for _, amount, _ in unmet if amount), default=None)
    assert refusal.missing_quantity == max((pieces for _, _, pieces in unmet if pieces), default=None)


def test_amount_and_pieces_are_one_sentence() -> None:
    one = offer("x", OFF, threshold={"amount": 2000, "quantity": 3})
    refusal = priced([line("1", 500)], one).refused["cpn_x"]
    assert refusal.detail == "Add 2 more units, for ¥15.00 or more in all."
    assert refusal.detail_zh == "再买2件，且金额再满¥15.00即可使用"


@settings(max_examples=examples(300))
@given(
    st.sampled_from([LADDER, BY_PIECES, TWO_FOR_ONE, OFF, {"kind": "every", "threshold": 700, "amount": 50}]),
    st.fixed_dictionaries({}, optional={"amount": st.integers(1, 9000), "quantity": st.integers(1, 6)}),
    st.sampled_from([{}, TEA]),
    st.integers(1, 4),
    st.integers(1, 3000),
)
def test_who_adds_what_is_missing_may_use_the_offer(
    benefit: Json, threshold: Json, scope: Json, quantity: int, price: int
) -> None:
    """And not a unit less."""
    one = offer("x", benefit, threshold=threshold, scope=scope)
    cart = [line("1", price, quantity, category="tea")]
    refusal = priced(cart, one).refused.get("cpn_x")
    if refusal is None:
        return
    amount, pieces = refusal.missing_amount or 0, refusal.missing_quantity or 0

    def more(amount: int, pieces: int) -> list[str]:
        dear = [line("2", amount, 1, category="tea")] if pieces else []
        others = [line("3", 0, pieces - 1, category="tea")] if pieces > 1 else []
        answer = priced([*cart, *dear, *others], one)
        return [told.code for told in answer.refused.values() if told.code == "below_threshold"]

    assert not more(amount, max(pieces, 1 if amount else 0))
    if pieces > 1:
        assert more(amount, pieces - 1)
    if amount > 1:
        assert more(amount - 1, max(pieces, 1))


def candidate(benefit: Json, **terms: Any) -> Candidate:
    return Candidate("cpn_x", "tpl", 1, Terms.model_validate({"benefit": benefit, **terms}), "x", "CNY", NOW, FOREVER)


def test_conditions_of_moment_customer_and_cart_are_told_together() -> None:
    scope: Json = {**CUPS, "channels": ["app"], "segments": ["s"], "tiers": ["gold"], "first_order_only": True}
    one = candidate(LADDER, threshold={"quantity": 2}, scope=scope, validity={"weekdays": [1]})
    moment = Moment(NOW, "Asia/Shanghai", "CNY", "web", Facts(held=True))
    refusal = unusable(one, moment)
    assert refusal is not None
    (together,) = with_the_carts({"cpn_x": refusal}, {"cpn_x": one}, Cart((line("1", 500, category="tea"),))).values()
    assert told(together) == [
        ("outside_hours", None, None),
        ("wrong_channel", None, None),
        ("not_eligible", None, None),
        ("not_eligible", None, None),
        ("first_order_held", None, None),
        ("out_of_scope", None, 1),
        ("below_threshold", 3000, 2),
    ]
    assert (together.code, together.missing_amount, together.missing_quantity) == ("outside_hours", 3000, 2)


def test_what_no_cart_can_mend_is_told_alone() -> None:
    moment = Moment(NOW, "Asia/Shanghai", "USD", None, Facts())
    refusal = unusable(candidate(LADDER, scope={"channels": ["app"]}), moment)
    assert refusal is not None
    assert (refusal.code, refusal.unmet) == ("currency_mismatch", ())
    cart = Cart((line("1", 500),))
    assert with_the_carts({"cpn_x": refusal}, {}, cart) == {"cpn_x": refusal}
