"""Which offers give orders away together: what is accepted leaves something to pay, and what is refused is shown to be free."""

from typing import Any

import pytest
from unit.coupon.carts import Json
from unit.coupon.giving_away import NOW, assert_free, named

from services.coupon.pricing.occasions import LiveOffer
from services.coupon.pricing.schemas import CartIn
from services.coupon.pricing.stacks import GivenAway, given_away, stack_fault
from services.coupon.templates.terms import Terms

WESTERN: Json = {"stacking": {"preset": "western"}}
APP: Json = {"scope": {"channels": ["app"]}}


def terms(benefit: Json, reach: int | None = None, **more: Any) -> Terms:
    threshold: Json = {} if reach is None else {"threshold": {"amount": reach}}
    return Terms.model_validate({"benefit": benefit, **threshold, **more})


def off(amount: int, reach: int | None = None, **more: Any) -> Terms:
    return terms({"kind": "amount_off", "amount": amount}, reach, **more)


def percent(percent_bp: int, reach: int | None = None, **more: Any) -> Terms:
    more = {name: value for name, value in more.items() if name != "benefit"} | {"benefit": None} | more
    benefit = {"kind": "percent_off", "percent_bp": percent_bp, **(more.pop("benefit") or {})}
    return terms(benefit, reach, **more)


def fixed(amount: int, **more: Any) -> Terms:
    return terms({"kind": "fixed_price", "amount": amount}, **more)


def shop(name: str) -> Json:
    return {"include": {"shops": [name]}}


def refused(*all_terms: Terms) -> GivenAway | None:
    """What the guard says of the last one beside the others."""
    *live, new = named(all_terms)
    return given_away(new, live, NOW)


TWO_OF_ONE: Json = {"kind": "buy_get", "buy": {"quantity": 1}, "get": {"quantity": 1}}
EVERY: Json = {"kind": "every", "threshold": 10_000, "amount": 5000}
SET: Json = {"kind": "bundle_price", "skus": {"a": 1, "b": 2}, "amount": 9000}
LADDER: Json = {
    "kind": "ladder",
    "steps": [{"threshold": 5000, "amount": 500}, {"threshold": 20_000, "amount": 15_000}],
}
BY_PIECES: Json = {"kind": "ladder", "by": "quantity", "steps": [{"threshold": 3, "percent_bp": 6000}]}


@pytest.mark.parametrize(
    "stack",
    [
        [off(38_000, 40_000), off(5000, 40_000)],  # Taobao: 400-380 and 400-50
        [off(5000, 10_000), off(5000, 10_000)],
        [off(9000, 10_000), off(1000)],  # with a voucher that needs no threshold
        [off(5000, 10_000), off(5000)],
        [percent(4000), percent(7000)],
        [percent(4000), percent(6000)],
        [percent(3333), percent(3333), percent(3333)],  # 1.05: each third is rounded up
        [percent(4000), percent(4000), percent(4000)],
        [percent(4000, 100), percent(4000, 100), percent(4000, 100)],
        [off(5000, 10_000), percent(5000, 5000)],
        [percent(5000), percent(5000, 5000)],
        [percent(5000, stacking={"calculation": "sequential"}), percent(5000, 5000)],
        [percent(9000, 5000), off(501)],
        [percent(9000), off(1000)],  # 100.00 less 90 %, less 10.00
        [percent(4000, benefit={"max_amount": 3000}), percent(7000, benefit={"max_amount": 3000})],
        [terms(TWO_OF_ONE, stacking={"priority": 1}), percent(5000, stacking={"overflow": "redistribute"})],
        [terms(TWO_OF_ONE), terms(TWO_OF_ONE)],  # the second gives what was bought for the first
        [terms(EVERY), percent(5000)],
        [terms(EVERY), off(10_000, 18_000)],  # at 200.00, not at 180.00
        [terms(LADDER), off(5000, 12_000)],
        [terms(BY_PIECES), percent(4000)],
        [terms(BY_PIECES), off(4000, 10_000)],
        [fixed(9900), percent(1000)],  # 990.00 for 99.00, less 10 % of 990.00
        [fixed(990), off(5000, 30_000)],
        [terms(SET), percent(5000)],
        [terms(SET), off(9000, 20_000)],
        [percent(5000, benefit={"max_amount": 9000}), terms(SET)],
        [
            off(6000, 10_000, scope=shop("a")),
            off(6000, 10_000, scope=shop("b")),
            off(8000, 20_000),
        ],  # shop and cross-shop
        [off(5000, 10_000, scope=shop("a")), off(5000, 10_000, scope={"include": {"categories": ["c"]}})],
        [
            percent(6000, scope={"include": {"products": ["p"]}}),
            percent(6000, scope={"include": {"skus": ["s"]}}),
        ],
        [percent(6000, scope={"include": {"tags": ["new"]}}), percent(6000, scope={"include": {"tags": ["sale"]}})],
        [percent(6000, validity={"weekdays": [1, 2]}), percent(6000, validity={"weekdays": [2, 3]})],
        [
            percent(6000, scope={"unit_price": {"lte": 5000}}),
            percent(6000, scope={"unit_price": {"gte": 5000}}),
        ],
        [off(5000, 10_000, stacking={"group": "g"}), off(5000, 10_000, stacking={"group": "h"})],
        [percent(6000, validity={"from": "2026-12-01T00:00:00Z"}), percent(6000)],
        [percent(6000, **APP), percent(6000)],
        [
            off(2000, scope={"include": {"categories": ["tea"]}}, threshold={"amount": 5000, "scope": shop("a")}),
            percent(9000),
        ],
        [off(9900, 10_000, **WESTERN), off(100)],
    ],
)
def test_orders_that_would_be_free(stack: list[Terms]) -> None:
    """Whichever of them comes last is refused, with an order that is free with just those that are named."""
    for at in range(len(stack)):
        turned = [*stack[at + 1 :], *stack[: at + 1]]
        found = refused(*turned)
        assert found is not None, at
        assert len(found.offers) == len(stack) - 1
        assert_free(found, named(turned)[-1])
        assert refused(*turned[1:]) is None, "one fewer is accepted"


def test_offers_that_exclude_each_other_are_not_counted_together() -> None:
    """Two of a group would make the order free without the new one, if one order could use both."""
    group: Json = {"stacking": {"group": "g"}}
    found = refused(off(6000, 10_000, **group), off(6000, 10_000, **group), off(4000, 10_000))
    assert found is not None
    assert len(found.offers) == 1


@pytest.mark.parametrize(
    "stack",
    [
        [off(2000, 10_000), off(2000, 10_000)],
        [off(4999, 10_000), off(5000, 10_000)],
        [off(9000, 10_000), off(1000, 10_001)],
        [off(20_000), off(2000, 10_000)],  # that one makes such an order free by itself
        [off(1000), off(1000), off(1000)],  # 无门槛: they are meant to pay small orders
        [off(1000), percent(2000)],  # and so they do with a portion less
        [off(1000), percent(5000)],
        [percent(9000, 5000), off(499)],
        [percent(4000), percent(4000)],
        [percent(4000), percent(5900)],
        [percent(6000, **WESTERN), percent(6000, **WESTERN), percent(6000, **WESTERN)],
        [off(6000, 10_000, **WESTERN), off(6000, 10_000, **WESTERN)],
        [off(5000, 10_000, allow_zero_pay=True), off(5000, 10_000)],
        [off(5000, 10_000), off(5000, 10_000, allow_zero_pay=True)],
        [off(5000, 10_000, stacking={"group": "g"}), off(5000, 10_000, stacking={"group": "g"})],
        [percent(6000, stacking={"group": "g"}), percent(3000), percent(6000, stacking={"group": "g"})],
        [off(5000, 10_000), off(5000, 10_000, stacking={"exclusive": True})],
        [percent(6000, scope={"channels": ["app"]}), percent(6000, scope={"channels": ["store"]})],
        [percent(6000, scope={"tiers": ["gold"]}), percent(6000, scope={"tiers": ["silver"]})],
        [percent(6000, **APP), percent(3000), percent(6000, scope={"channels": ["store"]})],
        [percent(6000, scope=shop("a")), percent(6000, scope=shop("b"))],
        [percent(6000, scope={"include": {"skus": ["a"]}}), percent(6000, scope={"include": {"skus": ["b"]}})],
        [percent(6000, scope=shop("a")), percent(6000, scope={"exclude": {"shops": ["a"]}})],
        [percent(6000, scope={"unit_price": {"lte": 4999}}), percent(6000, scope={"unit_price": {"gte": 5000}})],
        [
            percent(6000, validity={"until": "2026-12-01T00:00:00Z"}),
            percent(6000, validity={"from": "2026-12-01T00:00:00Z"}),
        ],
        [
            percent(6000, validity={"until": "2026-12-01T00:00:00Z"}),
            percent(3000),
            percent(6000, validity={"from": "2026-12-01T00:00:00Z"}),
        ],
        [percent(6000, validity={"weekdays": [1]}), percent(6000, validity={"weekdays": [2]})],
        [
            percent(6000, validity={"hours": [{"from": "10:00", "until": "12:00"}]}),
            percent(6000, validity={"hours": [{"from": "12:00", "until": "14:00"}]}),
        ],
        [terms(TWO_OF_ONE), percent(5000)],  # the free unit takes no other discount
        [fixed(9900, scope={"unit_price": {"lte": 15_000}}), percent(1000)],
        [fixed(9900, **WESTERN), percent(1000, stacking={"preset": "western", "priority": -1})],
        [percent(6000, validity={"until": "2026-11-01T00:00:00Z"}), percent(6000)],  # over already
        [terms({"kind": "gift", "sku": "g"}), percent(9900)],
        [terms({"kind": "free_shipping"}), percent(9900)],
        [
            off(2000, scope={"include": {"categories": ["tea"]}}, threshold={"amount": 5000, "scope": shop("a")}),
            percent(5000),
        ],
    ],
)
def test_stacks_that_leave_something_to_pay(stack: list[Terms]) -> None:
    for at in range(len(stack)):
        assert refused(*stack[at + 1 :], *stack[: at + 1]) is None


def test_the_fault_names_offers_and_a_cart() -> None:
    live = named([off(5000, 10_000), *[off(2000, 10_000) for _ in range(4)]])
    fault = stack_fault(LiveOffer("~", "新", off(100, 10_000, scope=shop("a")), True), live[:3], NOW, "CNY")
    assert fault is None
    fault = stack_fault(LiveOffer("~", "新", off(1000, 10_000, scope=shop("a")), True), live[:4], NOW, "CNY")
    assert fault is None or fault.offers
    fault = stack_fault(LiveOffer("~", "新", off(500, 10_000, scope=shop("a")), True), live, NOW, "CNY")
    assert fault is None, "they are free without it"
    fault = stack_fault(LiveOffer("~", "新", off(1000, 10_000, scope=shop("a")), True), live[:3], NOW, "CNY")
    assert fault is not None
    assert (fault.code, fault.pointer) == ("stack_zero_pay", "#/benefit")
    assert fault.offers == ("tpl_0", "tpl_1", "tpl_2")
    assert "1 × ¥100.00" in fault.detail
    assert "券0 (tpl_0), 券1 (tpl_1), 券2 (tpl_2)" in fault.detail
    cart = CartIn.model_validate({"customer_id": "c", "lines": fault.lines})
    assert (cart.lines[0].unit_price, cart.lines[0].shop_id) == (10_000, "a")


def test_where_the_work_is_too_much_the_offer_is_refused() -> None:
    *live, new = named([percent(100 + at, 100 + at) for at in range(200)])
    found = given_away(new, live[:50], NOW, most_work=-1)
    assert found is None, "quick sums tell"
    found = given_away(new, live, NOW, most_work=-1)
    assert found is not None
    assert found.cart is None
    fault = stack_fault(new, live, NOW, "CNY", most_work=-1)
    assert fault is not None
    assert (fault.code, fault.lines, len(fault.offers)) == ("stack_zero_pay", (), 199)
    assert "Too many" in fault.detail
