"""Priority in the place of the better price, between offers that exclude each other."""

from typing import Any

import pytest
from unit.coupon.carts import line, off, offer, priced, used

from services.coupon.pricing.offers import Answer, Offer

CART = [line("1", 10_000)]


def one(name: str, amount: int, priority: int = 0, *, insists: bool = False, **more: Any) -> Offer:
    automatic = more.pop("automatic", False)
    threshold = more.pop("threshold", None)
    stacking = {"priority": priority, "choice": "priority" if insists else "best", "group": "g", **more}
    return offer(name, automatic=automatic, **off(amount, **stacking) | ({"threshold": threshold} if threshold else {}))


def answered(*offers: Offer) -> Answer:
    return priced(CART, *offers)


@pytest.mark.parametrize(
    ("offers", "chosen"),
    [
        # The better price, unless the higher one insists.
        ([one("a", 500, 5), one("b", 900, 1)], ["cpn_b"]),
        ([one("a", 500, 5, insists=True), one("b", 900, 1)], ["cpn_a"]),
        ([one("a", 500, 5), one("b", 900, 1, insists=True)], ["cpn_b"]),
        ([one("a", 900, 5), one("b", 500, 1, insists=True)], ["cpn_a"]),
        # Equal ranks: the better price, insisting or not.
        ([one("a", 500, insists=True), one("b", 900)], ["cpn_b"]),
        ([one("a", 500, insists=True), one("b", 900, insists=True)], ["cpn_b"]),
        # From the highest rank down; who has lost beats nobody.
        ([one("a", 100, 3, insists=True), one("b", 500, 2, insists=True), one("c", 900, 1)], ["cpn_a"]),
        ([one("a", 100, 3), one("b", 500, 2, insists=True), one("c", 900, 1)], ["cpn_b"]),
        # One that the cart does not fit is passed over.
        ([one("a", 500, 5, insists=True, threshold={"amount": 20_000}), one("b", 900, 1)], ["cpn_b"]),
        # Whatever it excludes: everything, for an exclusive one.
        (
            [one("a", 500, 5, insists=True, exclusive=True), one("b", 900, group="h"), one("c", 900, group="i")],
            ["cpn_a"],
        ),
        ([one("a", 500, 5, insists=True), one("b", 900, exclusive=True, group=None)], ["cpn_a"]),
        ([one("a", 500, 5, insists=True), one("b", 900, group="h")], ["cpn_a", "cpn_b"]),
        # Promotions as coupons, either way.
        ([one("a", 500, 5, insists=True, automatic=True), one("b", 900)], ["prm_a"]),
        ([one("a", 500, 5, insists=True), one("b", 900, automatic=True)], ["cpn_a"]),
    ],
)
def test_who_is_used(offers: list[Offer], chosen: list[str]) -> None:
    for order in (offers, offers[::-1]):
        assert sorted(used(answered(*order))) == chosen


def test_who_loses_by_priority_is_told_so() -> None:
    answer = answered(one("a", 500, 5, insists=True), one("b", 900))
    lost = answer.refused["cpn_b"]
    assert (lost.code, lost.excluded_by) == ("excluded_by", "cpn_a")
    assert "puts first" in lost.detail
    assert (answer.exact, answer.bound) == (True, 500)
    by_price = answered(one("a", 500, 5), one("b", 900)).refused["cpn_a"]
    assert (by_price.code, by_price.excluded_by) == ("excluded_by", "cpn_b")
    assert "as much off or more" in by_price.detail


def test_one_whose_threshold_a_discount_before_it_undoes_is_passed_over() -> None:
    """Nobody is left without either: the next one takes its place."""
    first = offer("p", automatic=True, **off(3000, layer="item"))
    insisting = one("a", 500, 5, insists=True, threshold={"amount": 8000, "basis": "running"})
    answer = answered(first, insisting, one("b", 900))
    assert sorted(used(answer)) == ["cpn_b", "prm_p"]
    assert answer.refused["cpn_a"].code == "excluded_by"


def test_one_that_loses_to_an_equal_keeps_nobody_out() -> None:
    """a is exclusive and loses to its equal c by price; b, which a would have beaten, is used beside c."""
    a = one("a", 500, 5, insists=True, exclusive=True, group=None)
    answer = answered(a, one("c", 900, 5, group="h"), one("b", 200))
    assert used(answer) == ["cpn_c", "cpn_b"]
