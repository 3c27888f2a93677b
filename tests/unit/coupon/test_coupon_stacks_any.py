"""Offers of every kind, created one after the other: what the guard lets in gives no order away."""

from collections.abc import Sequence
from typing import Any

from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from kit.examples import examples
from unit.coupon.carts import Json
from unit.coupon.giving_away import NOW, assert_free, named

from services.coupon.pricing.cart import Cart, Line
from services.coupon.pricing.engine import price
from services.coupon.pricing.occasions import LiveOffer
from services.coupon.pricing.small_orders import is_small
from services.coupon.pricing.stacks import as_offer, given_away
from services.coupon.templates.rules import faults
from services.coupon.templates.terms import Limits, Terms

MONEY = st.sampled_from([500, 1000, 2000, 3000, 5000])
PORTION = st.sampled_from([1000, 2500, 3334, 4000, 5000, 6000, 7500, 9000])
SMALL = st.integers(1, 3)


def _kind(name: str, required: Json, **optional: Any) -> st.SearchStrategy[Json]:
    return st.fixed_dictionaries({"kind": st.just(name), **required}, optional=optional)


_STEPS = st.sampled_from(
    [
        [{"threshold": 1000, "amount": 300}, {"threshold": 3000, "amount": 2000}],
        [{"threshold": 2000, "percent_bp": 3000}, {"threshold": 5000, "percent_bp": 6000}],
    ]
)
_BY_PIECES = st.sampled_from(
    [[{"threshold": 2, "percent_bp": 5000}, {"threshold": 3, "percent_bp": 7500}], [{"threshold": 2, "amount": 900}]]
)
_PER = st.sampled_from(["order", "line", "unit"])
_A: Json = {"include": {"categories": ["a"]}}
_SCOPES: st.SearchStrategy[Json] = st.sampled_from(
    [{}, {}, {}, _A, {"exclude": {"categories": ["a"]}}, {"unit_price": {"lte": 2000}}]
)
_SETS = st.sampled_from([{"s0": 2}, {"s0": 1, "s1": 1}, {"s0": 1, "s1": 2}])
_BUY = st.fixed_dictionaries({"quantity": SMALL}, optional={"scope": _SCOPES})
_GET = st.fixed_dictionaries(
    {"quantity": SMALL, "percent_bp": st.sampled_from([5000, 10_000])}, optional={"scope": _SCOPES}
)
BENEFITS = st.one_of(
    _kind("percent_off", {"percent_bp": PORTION}, max_amount=MONEY),
    _kind("percent_off", {"percent_bp": PORTION}, per=_PER, max_units=SMALL),
    _kind("amount_off", {"amount": MONEY}),
    _kind("amount_off", {"amount": MONEY}, per=_PER, max_units=SMALL),
    _kind("ladder", {"steps": _STEPS}),
    _kind("ladder", {"steps": _BY_PIECES, "by": st.just("quantity")}),
    _kind("every", {"threshold": MONEY, "amount": st.sampled_from([200, 400, 900])}, max_times=SMALL),
    _kind("every", {"threshold": SMALL, "amount": MONEY, "by": st.just("quantity")}, max_times=SMALL),
    _kind("fixed_price", {"amount": MONEY}, max_units=SMALL),
    _kind("buy_get", {"buy": _BUY, "get": _GET}, max_times=SMALL),
    _kind("bundle_price", {"skus": _SETS, "amount": MONEY}, max_times=SMALL),
    _kind("exchange", {"product_id": st.sampled_from(["p0", "p1"])}, quantity=SMALL),
)
_SELDOM = st.sampled_from([False] * 7 + [True])
TERMS = st.fixed_dictionaries(
    {
        "benefit": BENEFITS,
        "threshold": st.fixed_dictionaries(
            {"basis": st.sampled_from(["activity", "activity", "running"])},
            optional={"amount": MONEY, "quantity": SMALL},
        ),
        "scope": _SCOPES,
        "stacking": st.fixed_dictionaries(
            {
                "layer": st.sampled_from(["item", "shop", "coupon"]),
                "group": st.sampled_from([None] * 6 + ["g", "h"]),
                "exclusive": _SELDOM,
                "priority": st.integers(0, 1),
                "calculation": st.sampled_from(["sequential", "parallel", "parallel"]),
                "overflow": st.sampled_from(["drop", "redistribute"]),
            },
        ),
        "validity": st.sampled_from([{}, {"days_after_claim": 3}]),
        "allow_zero_pay": _SELDOM,
    }
).map(Terms.model_validate)
PRICES = st.sampled_from([100, 500, 999, 1000, 1500, 2000, 3000, 5000, 40_000])


def _cart(each: int, rows: Sequence[tuple[int, str]]) -> Cart:
    return Cart(
        tuple(
            Line(str(at), quantity, each, each, product_id=f"p{at}", sku=f"s{at}", category=category)
            for at, (quantity, category) in enumerate(rows)
        )
    )


CARTS = st.builds(_cart, PRICES, st.lists(st.tuples(st.integers(1, 4), st.sampled_from("ab")), min_size=1, max_size=3))


@settings(max_examples=examples(300), derandomize=True, phases=(Phase.explicit, Phase.generate))
@given(st.lists(TERMS, min_size=1, max_size=4), st.lists(CARTS, min_size=1, max_size=8))
def test_what_is_accepted_leaves_something_to_pay(wanted: list[Terms], carts: list[Cart]) -> None:
    """Offers are created one after the other; what is refused is not there. And what is refused is shown to be free.

    Without shrinking, which would take minutes. What an offer alone makes free is a matter of its own (`zero_pay`).
    """
    live: list[LiveOffer] = []
    for one in named(wanted):
        if faults(one.terms, Limits()):
            continue
        found = given_away(one, live, NOW)
        if found is None:
            live.append(one)
        elif found.cart is not None:
            assert_free(found, one)
    for cart in [*carts, *threshold_carts(live)]:
        answer = price(cart, [as_offer(one) for one in live])
        stack = [use.offer for use in answer.uses]
        if any(answer.running) or any(one.terms.allow_zero_pay for one in stack):
            continue
        alone = [not any(price(cart, [one]).running) for one in stack]
        assert any(alone) or is_small(cart, stack), (cart, live)


def threshold_carts(live: Sequence[LiveOffer]) -> list[Cart]:
    """One unit, and as many as are asked for, at just the amounts that are."""
    amounts = {one.terms.threshold.amount or 1000 for one in live}
    pieces = {1, *(one.terms.threshold.quantity or 1 for one in live)}
    return [_cart(-(-amount // number), [(number, "a")]) for amount in sorted(amounts) for number in sorted(pieces)]
