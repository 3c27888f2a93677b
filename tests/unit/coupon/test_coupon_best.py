"""The search for the best combination: what holds for every cart and wallet, and how it behaves when they are large."""

from itertools import pairwise
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kit.examples import examples
from unit.coupon.carts import CARTS, TERMS, Json, by_brute_force, line, off, offer, priced, tangle, used, wallets

from services.coupon.pricing.best import FULL_WORK, LAST_STEPS, MOST_STEPS, _Search
from services.coupon.pricing.bounds import Bounds
from services.coupon.pricing.cart import Cart, Line
from services.coupon.pricing.engine import price, reprice
from services.coupon.pricing.offers import Answer, Offer
from services.coupon.pricing.rules import Compiled
from services.coupon.pricing.state import Numbers

POINTS = st.sampled_from([0, 0, 300])
ENOUGH = 1_000_000


def taken(answer: Answer) -> int:
    """What the customer does not pay: their points are worth as much to them as money."""
    return answer.discount + answer.shipping_discount


@settings(max_examples=examples(150))
@given(CARTS, wallets(7, insisting=True), POINTS)
def test_the_search_finds_what_brute_force_finds(cart: Cart, wallet: list[Offer], points: int) -> None:
    answer = price(cart, wallet, points=points, most_steps=ENOUGH)
    extra = sum(one.quantity for one in answer.extra_lines) + sum(one.amount for one in answer.cash_back)
    coupons = sum(not use.offer.automatic for use in answer.uses)
    assert answer.exact
    assert (taken(answer), extra, -coupons) == by_brute_force(cart, wallet, points)


def test_offers_that_get_into_each_others_way_are_searched_exactly() -> None:
    """Many small tangles, without a first guess: what the search itself leaves out would show."""
    for seed in range(1500):
        cart, wallet = tangle(Random(seed))  # noqa: S311 - no secret
        numbers = Numbers(cart)
        ordered = sorted((Compiled(one, numbers) for one in wallet), key=lambda one: one.order)
        search = _Search([one for one in ordered if one.refusal is None], numbers, 0, ENOUGH)
        found = search.run([False] * len(wallet))
        assert (found.money, found.extra, -found.coupons) == by_brute_force(cart, wallet), seed
        answer = price(cart, wallet)
        assert (taken(answer), answer.exact) == (found.money, True), seed


def test_where_priority_decides_the_search_finds_what_brute_force_finds() -> None:
    """Among tangles with groups and exclusive offers, of which some insist."""
    for seed in range(1500):
        cart, wallet = tangle(Random(seed), insisting=True)  # noqa: S311 - no secret
        answer = price(cart, wallet, most_steps=ENOUGH)
        coupons = sum(not use.offer.automatic for use in answer.uses)
        assert (taken(answer), 0, -coupons) == by_brute_force(cart, wallet), seed


@given(CARTS, wallets(6, insisting=True), POINTS)
def test_shares_sum_up_and_no_line_goes_under_its_floor(cart: Cart, wallet: list[Offer], points: int) -> None:
    answer = price(cart, wallet, points=points)
    for index, one in enumerate(cart.lines):
        shares = [use.shares[index] for use in answer.uses]
        assert all(share >= 0 for share in [*shares, answer.points[index]])
        assert one.subtotal - sum(shares) - answer.points[index] == answer.running[index] >= one.floor
        if not one.discountable:
            assert sum(shares) + answer.points[index] == 0
    assert cart.shipping_fee - answer.shipping_discount == answer.shipping_left >= 0
    assert cart.subtotal + cart.shipping_fee - taken(answer) - answer.points_discount == answer.total
    assert answer.points_discount <= points
    assert {use.offer.id for use in answer.uses}.isdisjoint(answer.refused)
    assert {*used(answer), *answer.refused} == {one.id for one in wallet}


@given(CARTS, wallets(5), TERMS, POINTS)
def test_a_further_coupon_never_makes_the_cart_dearer(
    cart: Cart, wallet: list[Offer], more: dict[str, Any], points: int
) -> None:
    further = [*wallet, offer("more", **more)]
    before = price(cart, wallet, points=points, most_steps=ENOUGH)
    assert taken(price(cart, further, points=points, most_steps=ENOUGH)) >= taken(before)


@given(CARTS, wallets(6), POINTS, st.integers(0, 4))
def test_a_search_that_stops_early_stays_within_five_percent_and_its_bound_holds(
    cart: Cart, wallet: list[Offer], points: int, steps: int
) -> None:
    early = price(cart, wallet, points=points, most_steps=steps)
    whole = price(cart, wallet, points=points, most_steps=ENOUGH)
    assert taken(early) <= taken(whole) <= early.bound
    assert early.bound * 100 <= taken(early) * 105
    assert early.exact == (early.bound == taken(early))


@given(CARTS, wallets(6, insisting=True), POINTS, st.randoms(use_true_random=False))
def test_a_price_is_the_same_whatever_the_order_of_the_wallet(
    cart: Cart, wallet: list[Offer], points: int, random: Random
) -> None:
    shuffled = list(wallet)
    random.shuffle(shuffled)
    one, other = (price(cart, offers, points=points, most_steps=ENOUGH) for offers in (wallet, shuffled))
    assert one == other


@given(CARTS, wallets(6), POINTS)
def test_the_chosen_offers_alone_make_the_same_price(cart: Cart, wallet: list[Offer], points: int) -> None:
    answer = price(cart, wallet, points=points)
    again = reprice(cart, [use.offer for use in answer.uses], points=points)
    assert (again.uses, again.running, again.shipping_left, again.points, again.refused) == (
        answer.uses,
        answer.running,
        answer.shipping_left,
        answer.points,
        {},
    )


# Large wallets


def shelves(lines: int = 5) -> list[Line]:
    return [line(str(at), 3000 + 700 * at, 1 + at % 3, category=f"k{at % 3}") for at in range(lines)]


def category(number: int) -> Json:
    return {"include": {"categories": [f"k{number % 3}"]}}


def amounts_in_groups(number: int) -> Offer:
    group = f"g{number % 7}" if number % 2 else None
    return offer(f"{number:02}", **off(100 + 37 * number, 6000, group=group), scope=category(number))


def portions(number: int) -> Offer:
    percent: Json = {"kind": "percent_off", "percent_bp": 100 + 10 * number}
    return offer(f"{number:02}", percent, stacking={"preset": "western"}, scope=category(number) if number % 2 else {})


def running_thresholds(number: int) -> Offer:
    body = {**off(300 + 11 * number), "threshold": {"amount": 20_000 + 500 * number, "basis": "running"}}
    return offer(f"{number:02}", **body)


def everything(number: int) -> Offer:
    kinds: list[Json] = [
        {"kind": "ladder", "steps": [{"threshold": 9000, "amount": 400}, {"threshold": 30_000, "amount": 2000}]},
        {"kind": "every", "threshold": 10_000, "amount": 300 + number},
        {"kind": "buy_get", "buy": {"quantity": 2}, "get": {"quantity": 1, "percent_bp": 5000}, "max_times": 1},
        {"kind": "percent_off", "percent_bp": 200 + 7 * number},
        {"kind": "fixed_price", "amount": 2800 + number, "max_units": 2},
        {"kind": "amount_off", "amount": 500 + 13 * number},
        {"kind": "percent_off", "percent_bp": 4000, "per": "unit", "max_units": 1},
    ]
    kind = number % 7
    stacking: Json = {"calculation": "sequential"} if number % 3 else {"group": f"g{number % 4}"}
    if kind in (2, 4, 6):
        stacking["group"] = "units"  # one for single units: many that stack are a puzzle, see below
    return offer(f"{number:02}", kinds[kind], stacking=stacking, scope=category(number) if number % 5 else {})


@pytest.mark.parametrize("wallet", [amounts_in_groups, portions, running_thresholds, everything])
def test_thirty_coupons_and_thirty_promotions(wallet: Any) -> None:
    cart = shelves()
    coupons = [wallet(number) for number in range(30)]
    promotions = [
        offer(f"p{number:02}", automatic=True, **off(40 + number, layer="shop"), scope=category(number))
        for number in range(30)
    ]
    for offers in (coupons, coupons + promotions):
        answer = price(Cart(tuple(cart)), offers)
        assert answer.exact
        assert answer.bound == taken(answer)


def test_a_dozen_offers_for_single_units_that_all_stack_stay_within_what_is_told() -> None:
    """Each may choose among the units that the others left: too many ways to try them all, and the answer says so."""
    lowered: Json = {"kind": "fixed_price", "amount": 2800, "max_units": 2}
    portioned: Json = {"kind": "percent_off", "percent_bp": 4000, "per": "unit", "max_units": 1}
    wallet = [
        offer(f"{number:02}", [lowered, portioned][number % 2], stacking={"calculation": "sequential"})
        for number in range(12)
    ]
    answer = price(Cart(tuple(shelves())), wallet)
    assert taken(answer) <= answer.bound
    assert answer.exact == (taken(answer) == answer.bound)
    assert len(used(answer)) > 6


def test_a_wallet_of_two_hundred_is_searched_whole() -> None:
    wallet = [offer(f"{number:03}", **off(10)) for number in range(200)]
    answer = priced([line("1", 100_000)], *wallet)
    assert (answer.exact, answer.discount) == (True, 2000)


def test_more_shipping_coupons_than_there_is_fee_do_not_blur_the_bound() -> None:
    fees = [offer(f"f{number}", {"kind": "free_shipping", "max_amount": 500 + number}) for number in range(12)]
    answer = priced(shelves(), *fees, *(portions(number) for number in range(10)), fee=800, steps=3000)
    assert (answer.exact, answer.shipping_discount) == (True, 800)


def test_among_equal_prices_the_coupons_that_expire_first_are_used() -> None:
    wallet = [offer(f"{number}", **off(400), days=9 - number) for number in range(10)]
    answer = priced([line("1", 1200)], *wallet)
    assert used(answer) == ["cpn_9", "cpn_8", "cpn_7"]
    ends = [use.offer.expires_at for use in answer.uses]
    assert all(one <= other for one, other in pairwise(ends))


@pytest.mark.parametrize("offers", [20, 50])
def test_a_cart_of_two_hundred_lines_has_as_many_fewer_steps_as_each_costs_more(
    monkeypatch: pytest.MonkeyPatch, offers: int
) -> None:
    """Shoppers fill carts: one of them must not hold up everybody else's prices for seconds."""
    steps, reach = 0, Bounds.reach

    def counted(*given: Any) -> Any:
        nonlocal steps
        steps += 1
        return reach(*given)

    monkeypatch.setattr(Bounds, "reach", counted)
    half: Json = {
        "kind": "buy_get",
        "buy": {"quantity": 2},
        "get": {"quantity": 1, "percent_bp": 5000},
        "max_times": 1000,
    }
    wallet = [offer(f"{number:02}", half) for number in range(offers)]
    answer = price(Cart(tuple(line(str(at), 100 + at, 9999) for at in range(200))), wallet)
    assert steps <= (MOST_STEPS + LAST_STEPS) * FULL_WORK / (200 * offers) + 200
    assert taken(answer) <= answer.bound
    assert used(answer)
