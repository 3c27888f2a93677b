"""The pricing engine: worked examples of the field, and properties that hold for every cart."""

from datetime import UTC, datetime, timedelta
from itertools import combinations
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.coupon.pricing.apportionment import apportion, pour
from services.coupon.pricing.best import Best, best, excludes
from services.coupon.pricing.cart import Line, lines_in
from services.coupon.pricing.offers import Offer, Refusal
from services.coupon.pricing.rules import Prepared, Running, discount, prepare
from services.coupon.templates.scopes import LineScope
from services.coupon.templates.terms import Terms

END = datetime(2026, 12, 1, tzinfo=UTC)


def line(line_id: str, price: int, quantity: int = 1, **more: Any) -> Line:
    return Line(line_id, quantity, price, more.pop("list_price", price), **more)


def offer(name: str, benefit: dict[str, Any], days: int = 0, **terms: Any) -> Offer:
    body = {"benefit": benefit, "allow_zero_pay": True, **terms}
    return Offer(f"cpn_{name}", f"tpl_{name}", Terms.model_validate(body), END + timedelta(days=days))


def off(amount: int, threshold: int | None = None, **stacking: Any) -> dict[str, Any]:
    terms: dict[str, Any] = {"benefit": {"kind": "amount_off", "amount": amount}, "stacking": stacking}
    return terms | ({"threshold": {"amount": threshold}} if threshold else {})


def price(lines: list[Line], *offers: Offer, steps: int = 100_000) -> Best:
    return best([prepare(one, lines) for one in offers], tuple(one.subtotal for one in lines), steps)


def paid(answer: Best) -> int:
    return sum(answer.chosen.running)


# Apportionment


@pytest.mark.parametrize(
    ("weights", "amount", "shares"),
    [
        ([4000, 2000, 2000], 300, [150, 75, 75]),
        ([4300, 1400, 2300], 299, [161, 52, 86]),
        ([10, 0], 40, [40, 0]),
        ([0, 0], 10, [5, 5]),
        ([100, 100], -20, [-10, -10]),
        ([1, 1, 1], 1000, [334, 333, 333]),
    ],
)
def test_shares_of_the_reference(weights: list[int], amount: int, shares: list[int]) -> None:
    assert apportion(weights, amount) == shares


@given(st.lists(st.integers(0, 10**9), min_size=1, max_size=12), st.integers(-(10**9), 10**9))
def test_shares_sum_up_and_are_less_than_one_off(weights: list[int], amount: int) -> None:
    shares = apportion(weights, amount)
    assert sum(shares) == amount
    total = sum(weights)
    if total:
        assert all(abs(share * total - amount * weight) < total for share, weight in zip(shares, weights, strict=True))


@given(
    st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 10**6)), min_size=1, max_size=10), st.integers(0, 10**7)
)
def test_poured_shares_respect_their_caps_and_leave_nothing_that_fits(
    pairs: list[tuple[int, int]], amount: int
) -> None:
    weights, caps = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    given_shares = pour(weights, amount, caps)
    assert all(0 <= share <= cap for share, cap in zip(given_shares, caps, strict=True))
    assert sum(given_shares) == min(amount, sum(caps))


# Worked examples of the reference page


def test_platform_and_shop_thresholds_both_look_at_the_activity_price() -> None:
    assert paid(price([line("1", 10_000)], offer("p", **off(2000, 10_000)), offer("s", **off(2000, 10_000)))) == 6000


def test_a_second_discount_is_capped_at_what_is_left_and_counts_as_used() -> None:
    cart = [line("1", 40_000)]
    answer = price(
        cart, offer("s", **off(38_000, 40_000, layer="shop")), offer("x", **off(5000, 40_000, layer="cross_shop"))
    )
    assert paid(answer) == 0
    assert [sum(shares) for _, shares in answer.chosen.uses] == [38_000, 2000]


def test_what_a_line_cannot_take_is_dropped() -> None:
    only_a: Any = {"include": {"skus": ["a"]}}
    cart = [line("A", 15_000, sku="a"), line("B", 5000, sku="b")]
    answer = price(
        cart,
        offer("x", **off(10_000, layer="item"), scope=only_a),
        offer("y", **off(3000, layer="shop"), scope=only_a),
        offer("z", **off(3000, 20_000)),
    )
    assert answer.chosen.running == (0, 4250)
    assert answer.chosen.uses[-1][1] == (2000, 750)


def test_what_a_line_cannot_take_is_redistributed_when_the_offer_says_so() -> None:
    only_a: Any = {"include": {"skus": ["a"]}}
    cart = [line("A", 15_000, sku="a"), line("B", 5000, sku="b")]
    answer = price(
        cart,
        offer("x", **off(13_000, layer="item"), scope=only_a),
        offer("z", **off(3000, 20_000, overflow="redistribute")),
    )
    assert answer.chosen.uses[-1][1] == (2000, 1000)


def test_priority_orders_percentages_and_amounts() -> None:
    percent: Any = {"kind": "percent_off", "percent_bp": 2000}
    later = offer("a", **off(1000, priority=1, calculation="sequential"))
    first = offer("b", percent, stacking={"priority": 4, "calculation": "sequential"})
    assert paid(price([line("1", 10_000)], later, first)) == 7000
    exclusive = offer("b", percent, stacking={"priority": 1, "exclusive": True})
    alone = price([line("1", 10_000)], offer("a", **off(1000, priority=5)), exclusive)
    assert paid(alone) == 8000
    assert alone.refused["cpn_a"].excluded_by == "cpn_b"


def test_a_running_threshold_sees_what_earlier_discounts_left() -> None:
    half = offer("h", {"kind": "percent_off", "percent_bp": 5000}, stacking={"layer": "item"})
    more = offer("m", **{**off(1000), "threshold": {"amount": 10_000, "basis": "running"}})
    one = price([line("1", 12_000)], half, more)
    assert paid(one) == 6000
    assert one.refused["cpn_m"].missing_amount == 4000
    assert paid(price([line("1", 12_000, 2)], half, more)) == 11_000


def test_a_list_price_threshold_and_a_quantity_threshold() -> None:
    sale = [line("1", 8000, 2, list_price=10_000)]
    by_list = offer("l", **{**off(1000), "threshold": {"amount": 20_000, "basis": "list"}})
    assert paid(price(sale, by_list)) == 15_000
    three = price(sale, offer("q", **{**off(1000), "threshold": {"quantity": 3}}))
    assert three.refused["cpn_q"].missing_quantity == 1


def test_a_percentage_is_computed_once_on_the_whole_and_then_shared_out() -> None:
    cart = [line(str(number), 5) for number in range(3)]
    answer = price(cart, offer("p", {"kind": "percent_off", "percent_bp": 1000}))
    assert answer.chosen.total == 2  # 1.5 rounded half up once, not three halves rounded one by one
    capped = price([line("1", 100_000)], offer("p", {"kind": "percent_off", "percent_bp": 2000, "max_amount": 5000}))
    assert capped.chosen.total == 5000


@pytest.mark.parametrize(
    ("benefit", "total"),
    [
        ({"kind": "amount_off", "amount": 100, "per": "line"}, 200),
        ({"kind": "amount_off", "amount": 100, "per": "unit"}, 500),
        ({"kind": "amount_off", "amount": 100, "per": "unit", "max_units": 4}, 400),
        ({"kind": "percent_off", "percent_bp": 5000, "per": "unit", "max_units": 1}, 1000),
        ({"kind": "percent_off", "percent_bp": 5000, "per": "line", "max_amount": 700}, 700),
        ({"kind": "percent_off", "percent_bp": 5000, "max_units": 3}, 2500),
    ],
)
def test_benefits_per_line_and_unit_touch_the_dearest_units_first(benefit: dict[str, Any], total: int) -> None:
    assert price([line("cheap", 1000, 3), line("dear", 2000, 2)], offer("x", benefit)).chosen.total == total


def test_floors_and_undiscountable_lines_hold() -> None:
    cart = [line("1", 1000, floor_price=900), line("2", 1000, discountable=False)]
    answer = price(cart, offer("x", **off(5000)))
    assert answer.chosen.running == (900, 1000)
    above = price([line("1", 1000, floor_price=2000)], offer("x", **off(500)))
    assert above.refused["cpn_x"].code == "no_effect"


def test_scope_names_lines_by_every_dimension() -> None:
    cart = [
        line("1", 100, product_id="p1", category="shoes", brand="b", tags=frozenset({"new"})),
        line("2", 900, product_id="p9", category="shoes", shop_id="s", list_price=1000),
        line("3", 100, product_id="p3", sku="k", category="hats"),
    ]

    def named(**scope: Any) -> tuple[int, ...]:
        return lines_in(LineScope.model_validate(scope), cart)

    assert named() == (0, 1, 2)
    assert named(include={"categories": ["shoes"]}, exclude={"products": ["p9"]}) == (0,)
    assert named(include={"products": ["p1"], "skus": ["k"]}) == (0, 2)
    assert named(include={"categories": ["shoes"], "shops": ["s"]}) == (1,)
    assert named(include={"tags": ["new", "old"]}) == (0,)
    assert named(exclude={"brands": ["b"]}) == (1, 2)
    assert named(unit_price={"gte": 500}) == (1,)
    assert named(unit_price={"lte": 100}) == (0, 2)
    assert named(exclude_on_sale=True) == (0, 2)


def test_reasons_name_what_is_missing() -> None:
    answer = price(
        [line("1", 29_000, category="shoes")],
        offer("near", **off(5000, 30_000)),
        offer("else", **off(5000), scope={"include": {"categories": ["hats"]}}),
        offer("used", **off(900, group="g")),
        offer("worse", **off(800, group="g")),
    )
    assert [use.offer.id for use, _ in answer.chosen.uses] == ["cpn_used"]
    assert {name: one.code for name, one in answer.refused.items()} == {
        "cpn_near": "below_threshold",
        "cpn_else": "out_of_scope",
        "cpn_worse": "excluded_by",
    }
    assert answer.refused["cpn_near"].missing_amount == 1000


def test_two_copies_of_one_offer_are_not_used_together_and_the_older_goes_first() -> None:
    young, old = offer("t", **off(500), days=2), offer("t", **off(500), days=1)
    copies = [Offer("cpn_1", young.template_id, young.terms, young.expires_at), old]
    answer = price([line("1", 5000)], *copies)
    assert [use.offer.id for use, _ in answer.chosen.uses] == ["cpn_t"]
    assert answer.refused["cpn_1"].excluded_by == "cpn_t"


def test_ties_take_fewer_coupons_then_the_earliest_expiry_then_the_id() -> None:
    cart = [line("1", 1000)]
    answer = price(cart, offer("a", **off(500)), offer("b", **off(500)), offer("c", **off(1000), days=9))
    assert [use.offer.id for use, _ in answer.chosen.uses] == ["cpn_c"]
    assert answer.refused["cpn_a"].code == "no_effect"
    answer = price(
        cart, offer("a", **off(1000), days=5), offer("b", **off(1000), days=1), offer("c", **off(1000), days=1)
    )
    assert [use.offer.id for use, _ in answer.chosen.uses] == ["cpn_b"]


def test_thirty_stackable_coupons_are_searched_exactly() -> None:
    cart = [line(str(number), 20_000, category=f"k{number % 3}") for number in range(5)]
    wallet = [
        offer(
            f"{number:02}",
            **off(100 + 37 * number, 20_000, group=f"g{number % 7}" if number % 2 else None),
            scope={"include": {"categories": [f"k{number % 3}"]}},
        )
        for number in range(30)
    ]
    answer = price(cart, *wallet, steps=5_000)
    assert answer.exact
    assert answer.bound == answer.chosen.total


def test_a_search_that_stops_early_says_so_and_states_a_bound() -> None:
    cart = [line(str(number), 1000) for number in range(4)]
    wallet = [
        offer(f"{n:02}", {"kind": "percent_off", "percent_bp": 300 + n}, stacking={"calculation": "sequential"})
        for n in range(20)
    ]
    answer = price(cart, *wallet, steps=10)
    assert not answer.exact
    assert answer.chosen.total <= answer.bound <= 4000
    assert price(cart, *wallet, steps=200_000).chosen.total <= answer.bound


def test_more_coupons_than_are_searched_are_bounded_as_well() -> None:
    wallet = [offer(f"{number:02}", **off(10)) for number in range(40)]
    answer = price([line("1", 100_000)], *wallet)
    assert not answer.exact
    assert (answer.chosen.total, answer.bound) == (300, 400)


# Properties

MONEY = st.integers(1, 3000)
LINES = st.lists(
    st.builds(
        lambda amount, quantity, saved, floor, category, takes: (amount, quantity, saved, floor, category, takes),
        st.integers(0, 3000),
        st.integers(1, 3),
        st.integers(0, 500),
        st.integers(0, 1500),
        st.sampled_from("ab"),
        st.booleans(),
    ),
    min_size=1,
    max_size=4,
).map(
    lambda rows: [
        Line(str(at), row[1], row[0], row[0] + row[2], row[3], category=row[4], discountable=row[5] or at == 0)
        for at, row in enumerate(rows)
    ]
)
BENEFITS = st.one_of(
    st.fixed_dictionaries(
        {"kind": st.just("amount_off"), "amount": MONEY, "per": st.sampled_from(["order", "line", "unit"])},
        optional={"max_units": st.integers(1, 4)},
    ),
    st.fixed_dictionaries(
        {
            "kind": st.just("percent_off"),
            "percent_bp": st.integers(1, 10_000),
            "per": st.sampled_from(["order", "line", "unit"]),
        },
        optional={"max_units": st.integers(1, 4), "max_amount": MONEY},
    ),
)
TERMS = st.fixed_dictionaries(
    {
        "benefit": BENEFITS,
        "threshold": st.fixed_dictionaries(
            {"basis": st.sampled_from(["list", "activity", "running"])},
            optional={"amount": MONEY, "quantity": st.integers(1, 4)},
        ),
        "scope": st.sampled_from([{}, {"include": {"categories": ["a"]}}, {"exclude": {"categories": ["a"]}}]),
        "stacking": st.fixed_dictionaries(
            {
                "layer": st.sampled_from(["item", "shop", "coupon"]),
                "group": st.sampled_from([None, "g", "h"]),
                "exclusive": st.sampled_from([False, False, False, True]),
                "priority": st.integers(0, 2),
                "calculation": st.sampled_from(["sequential", "parallel"]),
                "overflow": st.sampled_from(["drop", "redistribute"]),
                "share_by": st.sampled_from(["amount", "quantity"]),
            }
        ),
    }
)
WALLETS = st.lists(st.tuples(TERMS, st.integers(0, 3)), min_size=1, max_size=5).map(
    lambda rows: [offer(str(at), days=days, **dict[str, Any](terms)) for at, (terms, days) in enumerate(rows)]
)


def by_brute_force(wallet: list[Prepared], running: Running) -> int:
    """The largest discount over all sets whose every member takes something off."""
    most = 0
    ordered = sorted(wallet, key=lambda one: one.order)
    for size in range(1, len(ordered) + 1):
        for chosen in combinations(ordered, size):
            if any(excludes(one, other) for one, other in combinations(chosen, 2)):
                continue
            left, total = running, 0
            for one in chosen:
                shares = discount(one, left)
                if isinstance(shares, Refusal):
                    break
                left = tuple(now - share for now, share in zip(left, shares, strict=True))
                total += sum(shares)
            else:
                most = max(most, total)
    return most


@settings(max_examples=400, deadline=None)
@given(LINES, WALLETS)
def test_the_search_finds_what_brute_force_finds(cart: list[Line], wallet: list[Offer]) -> None:
    running = tuple(one.subtotal for one in cart)
    prepared = [prepare(one, cart) for one in wallet]
    answer = best(prepared, running)
    assert answer.exact
    assert answer.chosen.total == by_brute_force(prepared, running)


@settings(max_examples=200, deadline=None)
@given(LINES, WALLETS)
def test_shares_sum_up_and_no_line_goes_under_its_floor(cart: list[Line], wallet: list[Offer]) -> None:
    answer = price(cart, *wallet)
    for index, one in enumerate(cart):
        taken = [shares[index] for _, shares in answer.chosen.uses]
        assert all(share >= 0 for share in taken)
        assert one.subtotal - sum(taken) == answer.chosen.running[index] >= one.floor
        if not one.discountable:
            assert sum(taken) == 0
    named = {use.offer.id for use, _ in answer.chosen.uses} | set(answer.refused)
    assert named == {one.id for one in wallet}
    assert not {use.offer.id for use, _ in answer.chosen.uses} & set(answer.refused)


@settings(max_examples=200, deadline=None)
@given(LINES, WALLETS)
def test_a_further_coupon_never_makes_the_cart_dearer(cart: list[Line], wallet: list[Offer]) -> None:
    assert paid(price(cart, *wallet)) <= paid(price(cart, *wallet[:-1]))


@settings(max_examples=200, deadline=None)
@given(LINES, WALLETS, st.integers(1, 4))
def test_a_stated_bound_is_never_passed(cart: list[Line], wallet: list[Offer], steps: int) -> None:
    early, whole = price(cart, *wallet, steps=steps), price(cart, *wallet)
    assert early.chosen.total <= whole.chosen.total <= early.bound
