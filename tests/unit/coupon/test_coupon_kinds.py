"""Each benefit kind on a cart small enough to work out by hand."""

from typing import Any

import pytest
from unit.coupon.carts import Json, amounts, line, off, offer, priced, used

from services.coupon.pricing.offers import ExtraLine, NextStep, PromisedCashBack

ONLY_A: Json = {"include": {"skus": ["a"]}}
CART = [line("cheap", 1000, 3, sku="a", product_id="pa"), line("dear", 2000, 2, sku="b", product_id="pb")]
"""3 × ¥10 and 2 × ¥20: ¥70."""


@pytest.mark.parametrize(
    ("benefit", "shares"),
    [
        ({"kind": "amount_off", "amount": 700}, (300, 400)),
        ({"kind": "amount_off", "amount": 100, "per": "line"}, (100, 100)),
        ({"kind": "amount_off", "amount": 100, "per": "unit"}, (300, 200)),
        ({"kind": "amount_off", "amount": 100, "per": "unit", "max_units": 4}, (200, 200)),
        ({"kind": "amount_off", "amount": 700, "max_units": 3}, (140, 560)),
        ({"kind": "percent_off", "percent_bp": 1000}, (300, 400)),
        ({"kind": "percent_off", "percent_bp": 5000, "per": "unit", "max_units": 1}, (0, 1000)),
        ({"kind": "percent_off", "percent_bp": 5000, "per": "line", "max_amount": 700}, (300, 400)),
        ({"kind": "percent_off", "percent_bp": 5000, "max_units": 3}, (500, 2000)),
        (
            {"kind": "ladder", "steps": [{"threshold": 5000, "amount": 350}, {"threshold": 7000, "amount": 700}]},
            (300, 400),
        ),
        ({"kind": "ladder", "steps": [{"threshold": 5, "percent_bp": 1000}], "by": "quantity"}, (300, 400)),
        ({"kind": "ladder", "steps": [{"threshold": 1, "percent_bp": 5000}], "max_amount": 70}, (30, 40)),
        ({"kind": "every", "threshold": 3000, "amount": 350}, (300, 400)),
        ({"kind": "every", "threshold": 1000, "amount": 350, "max_times": 2}, (300, 400)),
        ({"kind": "every", "threshold": 2, "amount": 350, "by": "quantity"}, (300, 400)),
        ({"kind": "fixed_price", "amount": 900}, (300, 2200)),
        ({"kind": "fixed_price", "amount": 1500, "max_units": 1}, (0, 500)),
        ({"kind": "buy_get", "buy": {"quantity": 2}, "get": {"quantity": 1}}, (1000, 0)),
        ({"kind": "buy_get", "buy": {"quantity": 1}, "get": {"quantity": 1, "percent_bp": 5000}}, (1000, 0)),
        ({"kind": "buy_get", "buy": {"quantity": 1}, "get": {"quantity": 1}, "max_times": 1}, (1000, 0)),
        ({"kind": "buy_get", "buy": {"quantity": 1, "scope": ONLY_A}, "get": {"quantity": 2}}, (2000, 0)),
        (
            {"kind": "buy_get", "buy": {"quantity": 1, "scope": ONLY_A}, "get": {"quantity": 2, "scope": ONLY_A}},
            (2000, 0),
        ),
        ({"kind": "bundle_price", "skus": {"a": 1, "b": 1}, "amount": 2500}, (333, 667)),
        ({"kind": "bundle_price", "skus": {"a": 1, "b": 1}, "amount": 2500, "max_times": 1}, (167, 333)),
        ({"kind": "exchange", "product_id": "pb"}, (0, 2000)),
        ({"kind": "exchange", "product_id": "pb", "quantity": 2}, (0, 4000)),
    ],
)
def test_what_a_kind_takes_off_each_line(benefit: Json, shares: tuple[int, ...]) -> None:
    answer = priced(CART, offer("x", benefit))
    assert [use.shares for use in answer.uses] == [shares]
    assert answer.running == tuple(one.subtotal - share for one, share in zip(CART, shares, strict=True))


def test_the_given_units_leave_enough_that_is_bought() -> None:
    """Buy 2 of the cheap goods, get any: the third cheap unit may be given, the two others count as bought."""
    only: Json = {"kind": "buy_get", "buy": {"quantity": 2, "scope": ONLY_A}, "get": {"quantity": 2}}
    assert priced(CART, offer("x", only)).uses[0].shares == (1000, 2000)


@pytest.mark.parametrize(
    ("units", "free", "missing"), [(11, 0, 2), (12, 0, 1), (13, 3, None), (25, 3, None), (26, 6, None)]
)
def test_only_whole_groups_of_buy_and_get_count(units: int, free: int, missing: int | None) -> None:
    """Buy 10, get 3 买10送3: who has not filled a group is told what is missing, and gets no part of it."""
    answer = priced(
        [line("1", 100, units)], offer("x", {"kind": "buy_get", "buy": {"quantity": 10}, "get": {"quantity": 3}})
    )
    assert answer.discount == free * 100
    assert [one.missing_quantity for one in answer.refused.values()] == ([] if missing is None else [missing])


def test_exclusive_is_for_the_order_and_a_group_for_the_same_goods() -> None:
    """An exclusive offer for A keeps one for B out; in a group with the other offers for A it does not."""
    named = {"include": {"skus": ["a"]}}
    alone = offer("alone", **off(900, exclusive=True), scope=named)
    grouped = offer("grouped", **off(900, group="a"), scope=named)
    other = offer("other", **off(500, group="a"), scope=named)
    elsewhere = offer("b", **off(700), scope={"include": {"skus": ["b"]}})
    cart = [line("1", 2000, sku="a"), line("2", 2000, sku="b")]
    assert priced(cart, alone, elsewhere).discount == 900
    assert priced(cart, grouped, other, elsewhere).discount == 1600


@pytest.mark.parametrize(
    ("benefit", "missing_amount", "missing_quantity"),
    [
        ({"kind": "ladder", "steps": [{"threshold": 8000, "amount": 1}, {"threshold": 9000, "amount": 2}]}, 1000, None),
        ({"kind": "ladder", "steps": [{"threshold": 7, "amount": 1}], "by": "quantity"}, None, 2),
        ({"kind": "every", "threshold": 7500, "amount": 10}, 500, None),
        ({"kind": "buy_get", "buy": {"quantity": 5}, "get": {"quantity": 2}}, None, 2),
        ({"kind": "buy_get", "buy": {"quantity": 4, "scope": ONLY_A}, "get": {"quantity": 1}}, None, 1),
        ({"kind": "bundle_price", "skus": {"a": 4, "b": 1, "c": 2}, "amount": 9}, None, 3),
    ],
)
def test_what_is_missing_to_the_first_step(
    benefit: Json, missing_amount: int | None, missing_quantity: int | None
) -> None:
    refusal = priced(CART, offer("x", benefit)).refused["cpn_x"]
    assert refusal.code == "below_threshold"
    assert (refusal.missing_amount, refusal.missing_quantity) == (missing_amount, missing_quantity)


@pytest.mark.parametrize(
    ("benefit", "following"),
    [
        (
            {"kind": "ladder", "steps": [{"threshold": 5000, "amount": 300}, {"threshold": 9000, "amount": 900}]},
            NextStep(900, missing_amount=2000),
        ),
        (
            {
                "kind": "ladder",
                "steps": [{"threshold": 5000, "percent_bp": 500}, {"threshold": 9000, "percent_bp": 1000}],
            },
            NextStep(900, missing_amount=2000),
        ),
        (
            {
                "kind": "ladder",
                "steps": [{"threshold": 2, "amount": 1}, {"threshold": 6, "amount": 2}],
                "by": "quantity",
            },
            NextStep(2, missing_quantity=1),
        ),
        ({"kind": "every", "threshold": 3000, "amount": 100}, NextStep(300, missing_amount=2000)),
        ({"kind": "every", "threshold": 3000, "amount": 100, "max_times": 2}, None),
        ({"kind": "ladder", "steps": [{"threshold": 5000, "amount": 300}]}, None),
    ],
)
def test_a_used_ladder_tells_its_next_step(benefit: Json, following: NextStep | None) -> None:
    assert priced(CART, offer("x", benefit)).uses[0].next_step == following


def test_a_running_ladder_counts_what_earlier_discounts_left() -> None:
    ladder: Json = {"kind": "ladder", "steps": [{"threshold": 5000, "amount": 100}, {"threshold": 7000, "amount": 700}]}
    running = offer("l", ladder, threshold={"basis": "running"})
    assert amounts(priced(CART, offer("first", **off(500, layer="item")), running)) == [700]
    answer = priced(CART, offer("first", automatic=True, **off(500, layer="item")), running)
    assert amounts(answer) == [500, 100]  # nobody can decline a promotion
    assert answer.uses[1].next_step == NextStep(700, missing_amount=500)


@pytest.mark.parametrize(
    ("benefit", "taken"),
    [
        ({"kind": "free_shipping"}, 1200),
        ({"kind": "free_shipping", "max_amount": 1000}, 1000),
        ({"kind": "shipping_percent_off", "percent_bp": 2500}, 300),
        ({"kind": "shipping_percent_off", "percent_bp": 5000, "max_amount": 500}, 500),
    ],
)
def test_shipping_kinds_take_nothing_off_goods(benefit: Json, taken: int) -> None:
    answer = priced(CART, offer("s", benefit), fee=1200)
    assert (answer.discount, answer.shipping_discount, answer.shipping_left) == (0, taken, 1200 - taken)
    assert answer.total == 7000 + 1200 - taken
    free = priced(CART, offer("s", benefit)).refused["cpn_s"]
    assert (free.code, free.detail) == ("no_effect", "There is no shipping fee left to take off.")


def test_free_shipping_from_a_running_amount() -> None:
    """Reference 4.2: item ¥120, half price, then free shipping (¥10) from 100: one pays 70; two pay 120, freight 0."""
    half = offer("h", {"kind": "percent_off", "percent_bp": 5000}, stacking={"layer": "item"})
    free = offer("f", {"kind": "free_shipping"}, threshold={"amount": 10_000, "basis": "running"})
    one = priced([line("1", 12_000)], half, free, fee=1000)
    assert (one.total, one.refused["cpn_f"].missing_amount) == (7000, 4000)
    assert priced([line("1", 12_000, 2)], half, free, fee=1000).total == 12_000


def test_a_gift_is_a_line_at_no_charge_and_is_taken_though_it_takes_nothing_off() -> None:
    gift = offer("g", {"kind": "gift", "sku": "cup", "quantity": 2}, threshold={"amount": 7000})
    answer = priced(CART, gift, offer("x", **off(500)))
    assert sorted(used(answer)) == ["cpn_g", "cpn_x"]
    assert answer.extra_lines == (ExtraLine("cpn_g", 2, sku="cup"),)
    assert answer.total == 6500


def test_an_exchange_voucher_adds_what_the_cart_lacks() -> None:
    absent = priced(CART, offer("e", {"kind": "exchange", "product_id": "p9", "quantity": 2}))
    assert absent.extra_lines == (ExtraLine("cpn_e", 2, product_id="p9"),)
    assert absent.total == 7000
    some = priced(CART, offer("e", {"kind": "exchange", "product_id": "pb", "quantity": 3}))
    assert (some.total, some.extra_lines) == (3000, (ExtraLine("cpn_e", 1, product_id="pb"),))


def test_cash_back_is_computed_on_what_is_paid_in_the_end() -> None:
    back = offer("b", {"kind": "cash_back", "percent_bp": 1000, "valid_days": 7}, stacking={"layer": "item"})
    answer = priced(CART, back, offer("x", **off(1000)), points=500)
    assert answer.cash_back == (PromisedCashBack("cpn_b", 550, 7),)
    assert answer.total == 5500
    fixed = priced(CART, offer("b", {"kind": "cash_back", "amount": 300}))
    assert fixed.cash_back == (PromisedCashBack("cpn_b", 300, 30),)
    most = priced(CART, offer("b", {"kind": "cash_back", "percent_bp": 5000, "max_amount": 100}))
    assert most.cash_back[0].amount == 100


def test_a_cash_back_coupon_is_worth_its_own_face() -> None:
    from dataclasses import replace

    template = offer("c", {"kind": "amount_off", "amount": 1})
    answer = priced(CART, replace(template, face_amount=550), replace(template, id="cpn_d", face_amount=200))
    assert (used(answer), answer.discount) == (["cpn_c"], 550)
    assert answer.refused["cpn_d"].excluded_by == "cpn_c"


def test_a_price_that_is_no_better_has_its_own_reason() -> None:
    refusal = priced(CART, offer("x", {"kind": "fixed_price", "amount": 2000})).refused["cpn_x"]
    assert (refusal.code, refusal.detail_zh) == ("no_effect", "适用商品的价格不高于优惠价")


@pytest.mark.parametrize("calculation", ["parallel", "sequential"])
def test_money_is_exact_where_units_do_not_divide(calculation: str) -> None:
    """Two of three units at half price after a share that three does not divide."""
    cart = [line("1", 100, 3)]
    first = offer("f", **off(10, layer="item"))
    half: Any = {"kind": "percent_off", "percent_bp": 5000, "max_units": 2}
    answer = priced(cart, first, offer("h", half, stacking={"calculation": calculation}))
    assert amounts(answer) == [10, 100 if calculation == "parallel" else 97]
