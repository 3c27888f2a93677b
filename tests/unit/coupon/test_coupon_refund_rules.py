"""Refunds: whatever comes back in whatever order, the sums are those of the sale."""

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.coupon.pricing.cart import POINTS, SHIPPING
from services.coupon.refunds.rules import Back, Kept, LineBack, Sale, Sold, give_back


def plus(before: Back, lines: list[LineBack]) -> Back:
    """The books after a refund."""
    units, offers = dict(before.units), dict(before.offers)
    for line in lines:
        units[line.line_id] = units.get(line.line_id, 0) + line.quantity
        for source, amount in line.offers.items():
            offers[source] = offers.get(source, 0) + amount
    money = before.money + sum(line.money for line in lines)
    return Back(units, money, before.points + sum(line.points for line in lines), offers)


def test_three_at_ten_percent_off_two_come_back() -> None:
    sale = Sale([Sold("1", 10_000, 3, {"cpn": 3_000})])
    (line,) = give_back(sale, Back(), {"1": 2}, None)
    assert (line.money, line.offers) == (18_000, {"cpn": 2_000})


@pytest.mark.parametrize(("kept", "money"), [(None, 22_500), (Kept(5_000, {}), 22_000)])
def test_what_falls_under_the_threshold_is_a_matter_of_policy(kept: Kept | None, money: int) -> None:
    """6 × ¥50, 10 % off from ¥300; five come back: KEEP 225, CLAWBACK 220."""
    sale = Sale([Sold("1", 5_000, 6, {"cpn": 3_000})])
    (line,) = give_back(sale, Back(), {"1": 5}, kept)
    assert line.money == money
    assert line.offers == {"cpn": 25_000 - money}
    (last,) = give_back(sale, plus(Back(), [line]), {"1": 1}, None)
    assert line.money + last.money == 27_000


def test_a_line_that_comes_back_does_not_change_what_another_paid() -> None:
    sale = Sale([Sold("1", 10_000, 1, {"cpn": 667}), Sold("2", 5_000, 1, {"cpn": 333})])
    (first,) = give_back(sale, Back(), {"1": 1}, None)
    (second,) = give_back(sale, plus(Back(), [first]), {"2": 1}, None)
    assert (first.money, second.money) == (9_333, 4_667)


def test_a_clawback_that_costs_more_than_what_came_back_refunds_nothing_and_the_rest_makes_up_for_it() -> None:
    """6 × ¥50 less 100 from ¥300: one comes back, and what is kept would cost ¥250 where ¥200 were paid."""
    sale = Sale([Sold("1", 5_000, 6, {"cpn": 10_000})])
    books, paid = Back(), []
    for price in (25_000, 20_000, 15_000, 10_000, 5_000, 0):
        lines = give_back(sale, books, {"1": 1}, Kept(price, {}))
        books = plus(books, lines)
        paid.append(lines[0].money)
    assert paid == [0, 0, 5_000, 5_000, 5_000, 5_000]
    assert books.offers == {"cpn": 10_000}


def test_payers_who_can_get_back_less_than_they_are_owed_share_it() -> None:
    """6 × ¥50, from ¥300 less 40 of the shop's and 60 of the platform's: the first unit's price is all that there is."""
    sale = Sale([Sold("1", 5_000, 6, {"shop": 4_000, "platform": 6_000})])
    (first,) = give_back(sale, Back(), {"1": 1}, Kept(25_000, {}))
    assert (first.money, first.offers) == (0, {"shop": 2_000, "platform": 3_000})
    (rest,) = give_back(sale, plus(Back(), [first]), {"1": 5}, None)
    assert (rest.money, rest.offers) == (20_000, {"shop": 2_000, "platform": 3_000})


def test_after_a_clawback_keep_gives_no_discount_back_twice() -> None:
    sale = Sale([Sold("1", 5_000, 6, {"cpn": 10_000})])
    books = plus(Back(), give_back(sale, Back(), {"1": 4}, Kept(10_000, {})))
    assert books.money == 10_000
    assert [line.money for line in give_back(sale, books, {"1": 1}, None)] == [5_000]


def test_points_come_back_as_points() -> None:
    sale = Sale([Sold("1", 10_000, 2, {"cpn": 2_000, POINTS: 1_001})])
    (first,) = give_back(sale, Back(), {"1": 1}, None)
    (second,) = give_back(sale, plus(Back(), [first]), {"1": 1}, None)
    assert (first.points + second.points, first.money + second.money) == (1_001, 16_999)
    assert {first.points, second.points} == {500, 501}


def test_more_than_the_money_that_was_paid_comes_back_as_points() -> None:
    """A claw-back that leaves nothing to pay for what is kept: 26 come back, of which 16 were paid as money."""
    sale = Sale([Sold("1", 10, 1, {POINTS: 10}), Sold("2", 26, 1, {"cpn": 10})])
    (line,) = give_back(sale, Back(), {"2": 1}, Kept(0, {"cpn": 10}))
    assert (line.money, line.points) == (16, 10)


prices = st.integers(0, 500)


@st.composite
def sales(draw: st.DrawFn) -> Sale:
    lines = []
    for number in range(draw(st.integers(1, 4))):
        price, quantity = draw(prices), draw(st.integers(1, 5))
        left = price * quantity
        shares = {}
        for source in ("a", "b", POINTS):
            shares[source] = draw(st.integers(0, left))
            left -= shares[source]
        lines.append(Sold(str(number), price, quantity, shares))
    fee = draw(prices)
    return Sale([*lines, Sold(SHIPPING, fee, 1, {"a": draw(st.integers(0, fee))})])


@st.composite
def returns(draw: st.DrawFn, sale: Sale) -> list[tuple[Mapping[str, int], Kept | None]]:
    """Everything comes back, in some order and split; before a clawback what is kept is priced somehow."""
    left = {line.line_id: line.quantity for line in sale.lines}
    prices = {line.line_id: line.unit_price for line in sale.lines}
    found: list[tuple[Mapping[str, int], Kept | None]] = []
    while left:
        chosen = draw(st.lists(st.sampled_from(sorted(left)), min_size=1, unique=True))
        now = {line_id: draw(st.integers(1, left[line_id])) for line_id in chosen}
        left = {key: count - now.get(key, 0) for key, count in left.items() if count - now.get(key, 0)}
        kept = None
        if draw(st.booleans()):
            full = sum(prices[key] * count for key, count in left.items())
            off = draw(st.integers(0, full))
            part = draw(st.integers(0, off))
            kept = Kept(full - off, {"a": part, "b": off - part})
        found.append((now, kept))
    return found


@given(st.data())
def test_all_of_it_in_any_order_split_and_policy_is_what_was_paid(data: st.DataObject) -> None:
    sale = data.draw(sales())
    books = Back()
    for now, kept in data.draw(returns(sale)):
        lines = give_back(sale, books, now, kept)
        price = {line.line_id: line.unit_price for line in sale.lines}
        for line in lines:
            assert line.money >= 0 <= line.points
            assert min(line.offers.values(), default=0) >= 0  # so no line gives back more than its price
            assert line.money + line.points + sum(line.offers.values()) == price[line.line_id] * line.quantity
        books = plus(books, lines)
        assert books.money <= sale.worth - sale.points
        assert books.points <= sale.points
        assert books.money + books.points <= sum(price[key] * count for key, count in books.units.items())
        assert sum(books.offers.values()) >= 0
    assert (books.money, books.points) == (sale.worth - sale.points, sale.points)
    assert {key: amount for key, amount in books.offers.items() if amount} == {
        key: amount for key, amount in sale.offers.items() if amount
    }


@given(st.data())
def test_kept_shares_go_back_with_their_own_units_whatever_else_comes_back(data: st.DataObject) -> None:
    """Policy keep: what a line gives back depends on that line alone."""
    sale = data.draw(sales())
    books = Back()
    by_line: dict[str, int] = {}
    for now, _ in data.draw(returns(sale)):
        lines = give_back(sale, books, now, None)
        books = plus(books, lines)
        for line in lines:
            by_line[line.line_id] = by_line.get(line.line_id, 0) + line.money
    for sold in sale.lines:
        assert by_line[sold.line_id] == sold.unit_price * sold.quantity - sum(sold.shares.values())
