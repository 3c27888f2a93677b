"""Refunds of orders that the engine priced: by lines as by totals, in any order and split."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from kit.examples import examples
from unit.coupon.carts import CARTS, line, off, offer, wallets

from services.coupon.pricing.cart import POINTS, SHIPPING, Cart
from services.coupon.pricing.engine import price
from services.coupon.pricing.offers import Offer
from services.coupon.refunds.kept_goods import kept_after
from services.coupon.refunds.rules import Back, LineBack, Sale, Sold, give_back


@dataclass
class Paid:
    """A paid order, and its books."""

    cart: Cart
    sale: Sale
    offers: Sequence[Offer]
    back: Back

    def refund(self, returned: Mapping[str, int], *, clawback: bool) -> list[LineBack]:
        """What comes back now; the books know it afterwards."""
        before = self.back
        units = {**before.units, **{key: before.units.get(key, 0) + count for key, count in returned.items()}}
        kept = kept_after(self.sale, self.cart, units, self.offers) if clawback else None
        lines = give_back(self.sale, before, returned, kept)
        offers = dict(before.offers)
        for one in lines:
            for source, amount in one.offers.items():
                offers[source] = offers.get(source, 0) + amount
        money, points = sum(one.money for one in lines), sum(one.points for one in lines)
        self.back = Back(units, before.money + money, before.points + points, offers)
        return lines

    def again(self) -> "Paid":
        return Paid(self.cart, self.sale, self.offers, Back())

    @property
    def left(self) -> dict[str, int]:
        return self.sale.kept(self.back.units)


def paid(cart: Cart, wallet: Sequence[Offer], points: int = 0) -> Paid:
    """The order of that cart with the best of these offers."""
    answer = price(cart, wallet, points=points)
    sold = []
    for at, one in enumerate(cart.lines):
        shares = {use.offer.id: use.shares[at] for use in answer.uses if use.shares[at]}
        shares |= {POINTS: answer.points[at]} if answer.points[at] else {}
        sold.append(Sold(one.line_id, one.unit_price, one.quantity, shares))
    if cart.shipping_fee:
        sold.append(Sold(SHIPPING, cart.shipping_fee, 1, {use.offer.id: use.shipping for use in answer.uses}))
    return Paid(cart, Sale(sold), [use.offer for use in answer.uses], Back())


def by_line(lines: Sequence[LineBack]) -> dict[str, int]:
    return {one.line_id: one.money + one.points for one in lines}


def test_what_a_clawback_gives_back_later_goes_where_the_share_was() -> None:
    """10 % on A only, if T is bought. T comes back, then A and B together: B never had a discount (WooCommerce 24483)."""
    only: Any = {"threshold": {"amount": 20_000, "scope": {"include": {"skus": ["T"]}}}}
    tenth = offer("c", {"kind": "percent_off", "percent_bp": 1000}, scope={"include": {"skus": ["A"]}}, **only)
    order = paid(
        Cart(tuple(line(sku, amount, sku=sku) for sku, amount in (("T", 20_000), ("A", 10_000), ("B", 20_000)))),
        [tenth],
    )
    assert by_line(order.refund({"T": 1}, clawback=True)) == {"T": 19_000}
    assert by_line(order.refund({"A": 1, "B": 1}, clawback=True)) == {"A": 10_000, "B": 20_000}


def test_what_a_clawback_takes_is_taken_from_goods_that_count_for_the_offer() -> None:
    """The same, but T and B come back together: B's shop has nothing to do with the discount on A."""
    only: Any = {"threshold": {"amount": 20_000, "scope": {"include": {"skus": ["T"]}}}}
    tenth = offer("c", {"kind": "percent_off", "percent_bp": 1000}, scope={"include": {"skus": ["A"]}}, **only)
    order = paid(
        Cart(tuple(line(sku, amount, sku=sku) for sku, amount in (("T", 20_000), ("A", 10_000), ("B", 20_000)))),
        [tenth],
    )
    assert by_line(order.refund({"T": 1, "B": 1}, clawback=True)) == {"T": 19_000, "B": 20_000}


def test_two_at_once_give_back_what_one_by_one_they_do() -> None:
    """11 mugs of 30, 100 off from 300. One comes back for 30. With the second the 100 are lost: no reason to ask for money."""
    order = paid(Cart((line("1", 3_000, 11),)), [offer("c", **off(10_000, 30_000))])
    together = order.again()
    apart = [by_line(order.refund({"1": 1}, clawback=True))["1"] for _ in range(4)]
    assert apart == [3_000, 0, 0, 0]
    assert by_line(together.refund({"1": 4}, clawback=True)) == {"1": 3_000}


@settings(max_examples=examples(200))
@given(CARTS, wallets(4), st.integers(0, 900), st.data())
def test_partial_refunds_in_any_order_and_split(
    cart: Cart, wallet: list[Offer], points: int, data: st.DataObject
) -> None:
    """Each line gives back between nothing and its price, all together what one refund of the same would, at the end all."""
    order = paid(cart, wallet, points)
    clawback = data.draw(st.booleans(), "clawback")
    prices = {sold.line_id: sold.unit_price for sold in order.sale.lines}
    while order.left:
        left = order.left
        goods = sorted(left.keys() - {SHIPPING}) or [SHIPPING]
        chosen = data.draw(st.lists(st.sampled_from(goods), min_size=1, unique=True))
        now = {key: data.draw(st.integers(1, left[key])) for key in chosen}
        if SHIPPING in left and all(now.get(key) == count for key, count in left.items() if key != SHIPPING):
            now[SHIPPING] = 1
        for one in order.refund(now, clawback=clawback):
            assert one.money >= 0 <= one.points
            assert one.money + one.points + sum(one.offers.values()) == prices[one.line_id] * one.quantity
            assert min(one.offers.values(), default=0) >= 0
        at_once = order.again()
        at_once.refund({key: count for key, count in order.back.units.items() if count}, clawback=clawback)
        assert (at_once.back.money + at_once.back.points) == order.back.money + order.back.points
        assert all(order.back.offers.get(source, 0) <= taken for source, taken in order.sale.offers.items())
    assert (order.back.money, order.back.points) == (order.sale.worth - order.sale.points, order.sale.points)
    assert {key: n for key, n in order.back.offers.items() if n} == {
        key: n for key, n in order.sale.offers.items() if n
    }
