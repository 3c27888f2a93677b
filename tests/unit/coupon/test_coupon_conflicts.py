"""Stacks that go too far, found for marketers before a draft goes live."""

from dataclasses import replace

from unit.coupon.carts import Json, line, off, offer

from services.coupon.pricing.cart import Cart
from services.coupon.pricing.conflicts import Conflict, conflicts

CART = Cart((line("1", 10_000, cost_price=6000), line("2", 5000, 2, cost_price=2500)))
"""¥200 of goods that cost the shop ¥60 and ¥50."""


def test_a_harmless_draft_has_none() -> None:
    assert conflicts(CART, offer("d", **off(2000)), [offer("l", automatic=True, **off(2000))]) == []


def test_a_draft_alone_under_cost_is_named_once() -> None:
    found = conflicts(CART, offer("d", **off(9000)), [offer("l", automatic=True, **off(500))])
    assert found == [Conflict("under_cost", ("cpn_d",), ("1",), 500, True)]


def test_a_pair_that_is_too_much_names_both() -> None:
    live = [offer("a", automatic=True, **off(5000, layer="shop")), offer("b", automatic=True, **off(100, layer="shop"))]
    found = conflicts(CART, offer("d", **off(4000)), live)
    assert [(one.offers, one.lines) for one in found] == [(("prm_a", "cpn_d"), ("1",))]


def test_a_stack_of_three_is_found_though_no_pair_is_too_much() -> None:
    live = [offer("a", automatic=True, **off(4000, layer="shop")), offer("b", **off(3000))]
    found = conflicts(CART, offer("d", **off(2000)), live)
    assert [one.offers for one in found] == [("prm_a", "cpn_b", "cpn_d")]


def test_an_order_free_of_charge_needs_the_flag() -> None:
    draft = offer("d", **{**off(12_000), "allow_zero_pay": False})
    live = [offer("a", **off(9000, layer="shop"))]
    free = [one for one in conflicts(CART, draft, live) if one.kind == "free"]
    assert free == [Conflict("free", ("cpn_a", "cpn_d"), (), 20_000, False)]
    meant = replace(draft, terms=draft.terms.model_copy(update={"allow_zero_pay": True}))
    assert [one.allowed for one in conflicts(CART, meant, live) if one.kind == "free"] == [True]


def test_offers_that_exclude_each_other_do_not_stack() -> None:
    group: Json = {"group": "g"}
    assert conflicts(CART, offer("d", **off(4500, **group)), [offer("a", **off(4500, **group))]) == []


def test_a_line_sold_under_its_cost_anyway_is_no_conflict_of_the_draft() -> None:
    cart = Cart((line("1", 1000, cost_price=1500), line("2", 5000)))
    draft = offer("d", **off(500), scope={"unit_price": {"gte": 5000}})
    assert conflicts(cart, draft, []) == []
