"""Failures of earlier systems that a price can have, each by name (reference: coupons, known failures)."""

from dataclasses import replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from kit.examples import examples
from unit.coupon.carts import CARTS, line, off, offer, priced, used, wallets

from services.coupon.pricing.apportionment import unit_shares
from services.coupon.pricing.cart import Cart
from services.coupon.pricing.engine import price, reprice
from services.coupon.pricing.offers import Offer


def test_the_same_adjustment_is_not_applied_twice() -> None:
    """Medusa 15360: the coupon named twice, and its promotion twice among the running ones."""
    cart = Cart((line("1", 10_000),))
    coupon, promotion = offer("c", **off(1000)), offer("p", automatic=True, **off(500))
    for answer in (price(cart, [coupon, promotion, coupon, promotion]), reprice(cart, [coupon, coupon, promotion])):
        assert (sorted(used(answer)), answer.total) == (["cpn_c", "prm_p"], 8500)


def test_a_total_is_never_negative() -> None:
    """macrozheng/mall: the coupon is worth more than the cart."""
    answer = priced([line("1", 3000)], offer("a", **off(5000)), offer("b", **off(5000)), fee=500, points=9000)
    assert (answer.total, answer.discount, answer.points_discount) == (500, 3000, 0)


def test_no_remainder_is_lost_when_the_last_line_is_not_selected() -> None:
    """yudao gives the remainder to the last line, selected or not; here only lines that are checked out share."""
    answer = priced([line(str(at), 1000) for at in range(3)], offer("c", **off(1000)))
    assert answer.uses[0].shares == (334, 333, 333)
    assert answer.total == 2000


def test_rounding_is_the_same_for_every_kind_of_percentage() -> None:
    """yudao's coupon rounds up, WooCommerce half down per line, Saleor half up per unit; here once, half up."""
    cart = [line("1", 5), line("2", 5), line("3", 5)]
    for benefit in (
        {"kind": "percent_off", "percent_bp": 1000},
        {"kind": "ladder", "steps": [{"threshold": 1, "percent_bp": 1000}]},
    ):
        assert priced(cart, offer("c", benefit)).discount == 2


@settings(max_examples=examples(60))
@given(CARTS, wallets(5))
def test_shares_of_lines_and_units_always_sum_to_the_discount(cart: Cart, wallet: list[Offer]) -> None:
    """WooCommerce, mall: shares that do not sum; a full refund that exceeds what was paid."""
    answer = price(cart, wallet)
    returned = 0
    for index, one in enumerate(cart.lines):
        shares = [use.shares[index] for use in answer.uses]
        units = unit_shares(one.unit_price, one.quantity, shares)
        per_unit = [one.unit_price - sum(row[unit] for row in units) for unit in range(one.quantity)]
        assert all(paid >= 0 for paid in per_unit)
        returned += sum(per_unit)
    assert returned == sum(answer.running) == cart.subtotal - answer.discount


@settings(max_examples=examples(60))
@given(CARTS, wallets(4), st.data())
def test_the_price_of_what_is_kept_is_computed_without_a_search(cart: Cart, wallet: list[Offer], data: Any) -> None:
    """Vendure 4811, 5127: a refund that prices the rest anew finds other offers; here only the same ones may count."""
    answer = price(cart, wallet)
    gone = data.draw(st.integers(0, len(cart.lines) - 1))
    kept = replace(cart, lines=tuple(one for at, one in enumerate(cart.lines) if at != gone))
    again = reprice(kept, [use.offer for use in answer.uses])
    assert {use.offer.id for use in again.uses} <= {use.offer.id for use in answer.uses}
    assert kept.subtotal - again.discount == sum(again.running)


def test_the_worked_refund_of_the_reference() -> None:
    """6 × ¥50, 10 % off from ¥300; return 5: keep refunds 225, clawback 220."""
    percent: Any = {"kind": "percent_off", "percent_bp": 1000}
    coupon = offer("c", percent, threshold={"amount": 30_000})
    cart = Cart((line("1", 5000, 6),))
    answer = price(cart, [coupon])
    (units,) = unit_shares(5000, 6, answer.uses[0].shares)
    assert sum(5000 - share for share in units[:5]) == 22_500
    left = reprice(Cart((line("1", 5000, 1),)), [coupon])
    assert answer.total - left.total == 22_000
    assert left.refused["cpn_c"].missing_amount == 25_000


@settings(max_examples=examples(60))
@given(CARTS, wallets(5))
def test_a_quote_changes_nothing_and_says_the_same_again(cart: Cart, wallet: list[Offer]) -> None:
    before = [one.terms.model_dump_json() for one in wallet]
    assert price(cart, wallet) == price(cart, wallet)
    assert [one.terms.model_dump_json() for one in wallet] == before
