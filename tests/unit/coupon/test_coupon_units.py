"""Offers price units: how a cart spreads equal units over lines changes nothing, and no unit gives more than it costs."""

from collections.abc import Iterable
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kit.examples import examples
from unit.coupon.carts import CARTS, Json, line, offer, priced, wallets

from services.coupon.pricing.apportionment import unit_shares
from services.coupon.pricing.cart import Cart, Line
from services.coupon.pricing.engine import by_line, price
from services.coupon.pricing.offers import Answer, Offer
from services.coupon.pricing.state import Numbers, State
from services.coupon.pricing.units import Run, held, taken_from

MUG = "mug"
FREE_UNIT: Json = {"kind": "percent_off", "percent_bp": 10_000, "per": "unit", "max_units": 1}
ONE_FOR_ONE: Json = {"kind": "buy_get", "buy": {"quantity": 1}, "get": {"quantity": 1}}
HALF: Json = {"kind": "percent_off", "percent_bp": 5000}
IN_ONE_LINE = [line("1", 1000, 2, product_id=MUG)]
IN_TWO_LINES = [line("1", 1000, product_id=MUG), line("2", 1000, product_id=MUG)]


def vouchers(benefit: Json) -> list[Offer]:
    return [offer("a", benefit), offer("b", benefit)]


@pytest.mark.parametrize("lines", [IN_ONE_LINE, IN_TWO_LINES])
@pytest.mark.parametrize(
    "benefit",
    [
        FREE_UNIT,
        {"kind": "amount_off", "amount": 1000, "per": "unit", "max_units": 1},
        {"kind": "amount_off", "amount": 1000, "max_units": 1},
        {"kind": "exchange", "product_id": MUG},
        {"kind": "ladder", "steps": [{"threshold": 1, "amount": 1000}]},
    ],
)
def test_two_vouchers_for_one_unit_make_two_units_free(lines: list[Line], benefit: Json) -> None:
    answer = priced(lines, *vouchers(benefit))
    assert (answer.total, answer.refused) == (0, {})


@pytest.mark.parametrize("lines", [IN_ONE_LINE, IN_TWO_LINES])
def test_two_prices_for_one_unit_lower_two_units(lines: list[Line]) -> None:
    answer = priced(lines, *vouchers({"kind": "fixed_price", "amount": 300, "max_units": 1}))
    assert answer.total == 600


@pytest.mark.parametrize(
    "lines", [[line("1", 11_000, 2)], [line("1", 11_000), line("2", 11_000)]], ids=["one line", "two lines"]
)
def test_half_off_is_not_given_on_the_free_unit(lines: list[Line]) -> None:
    """Buy one get one free and 50 % in parallel on 2 × 110.00: the paid unit costs 55.00."""
    answer = priced(lines, offer("half", HALF), offer("free", ONE_FOR_ONE))
    assert answer.total == 5500


def test_a_second_gift_is_the_cheapest_unit_that_is_not_given_yet() -> None:
    cart = [line("dear", 2000, 2), line("cheap", 500, 1), line("middle", 900, 1)]
    answer = priced(cart, *vouchers({**ONE_FOR_ONE, "max_times": 1}))
    assert answer.discount == 1400


def test_a_voucher_with_nothing_left_to_take_says_so() -> None:
    answer = priced([line("1", 1000)], *vouchers(FREE_UNIT))
    assert (answer.total, [one.code for one in answer.refused.values()]) == (0, ["no_effect"])


@settings(max_examples=examples(150))
@given(CARTS, wallets(5), st.sampled_from([0, 300]), st.randoms(use_true_random=False))
def test_splitting_merging_and_shuffling_lines_changes_no_total(
    cart: Cart, wallet: list[Offer], points: int, random: object
) -> None:
    fair = [one for one in wallet if not by_line(one)]
    whole = price(cart, fair, points=points, most_steps=1_000_000)
    single = units(cart.lines)
    random.shuffle(single)  # type: ignore[attr-defined]  # hypothesis names the class of its generator nowhere
    apart = price(Cart(tuple(single), cart.shipping_fee), fair, points=points, most_steps=1_000_000)
    assert told(apart) == told(whole)
    assert [
        sum(apart.running[at] for at, one in enumerate(single) if of(one) == line.line_id) for line in cart.lines
    ] == [*whole.running]
    for at, unit in enumerate(single):
        assert unit.floor <= apart.running[at] <= unit.unit_price


def units(lines: Iterable[Line]) -> list[Line]:
    """Each unit in a line of its own."""
    return [replace(one, line_id=f"{one.line_id}/{at}", quantity=1) for one in lines for at in range(one.quantity)]


def of(unit: Line) -> str:
    return unit.line_id.partition("/")[0]


def told(answer: Answer) -> tuple[object, ...]:
    uses = [(use.offer.id, use.amount, use.shipping, use.gifts, use.cash_back, use.next_step) for use in answer.uses]
    return answer.total, answer.shipping_left, answer.points_discount, uses, answer.refused


@given(CARTS, wallets(5), st.sampled_from([0, 300]))
def test_frozen_shares_of_a_line_spread_over_its_units(cart: Cart, wallet: list[Offer], points: int) -> None:
    """What a line gave can be told unit by unit, as refunds do, with no unit above its price."""
    answer = price(cart, wallet, points=points)
    for at, one in enumerate(cart.lines):
        rows = unit_shares(one.unit_price, one.quantity, [use.shares[at] for use in answer.uses])
        assert all(0 <= sum(column) <= one.unit_price for column in zip(*rows, strict=True))


RUNS = st.lists(st.tuples(st.integers(1, 5), st.integers(0, 40)), min_size=1, max_size=4)


@given(RUNS, st.data())
def test_runs_keep_every_minor_unit_of_every_unit(runs: list[tuple[int, int]], data: st.DataObject) -> None:
    """Taking from pieces of a pile takes exactly that, never gives a unit anything, and leaves the others as they were."""
    before = tuple(Run(count, left) for count, left in runs)
    quantity = sum(run.count for run in before)
    numbers = Numbers(Cart((line("1", 10, quantity),)))
    state = State((sum(run.left for run in before), 0), {0: before})
    pieces = [piece.some(data.draw(st.integers(1, piece.count))) for piece in numbers.pieces(state, 0, None)]
    shares = [data.draw(st.integers(0, piece.left)) for piece in pieces]
    after = taken_from(before, pieces, shares)
    assert sum(run.count for run in after) == quantity
    assert sum(run.left for run in after) == state.left[0] - sum(shares)
    steps = [(held(before, at), held(after, at)) for at in range(quantity + 1)]
    lost = [(b - a) - (d - c) for (a, c), (b, d) in pairwise(steps)]
    assert min(lost) >= 0
