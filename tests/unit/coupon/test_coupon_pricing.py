"""How offers combine: the worked examples of the field, reasons, ties, layers."""

from typing import Any

from unit.coupon.carts import amounts, line, off, offer, priced, used

from services.coupon.pricing.cart import lines_in
from services.coupon.pricing.offers import Offer
from services.coupon.templates.scopes import LineScope

# Worked examples of the reference page


def test_platform_and_shop_thresholds_both_look_at_the_activity_price() -> None:
    assert priced([line("1", 10_000)], offer("p", **off(2000, 10_000)), offer("s", **off(2000, 10_000))).total == 6000


def test_a_second_discount_is_capped_at_what_is_left_and_counts_as_used() -> None:
    cart = [line("1", 40_000)]
    answer = priced(
        cart, offer("s", **off(38_000, 40_000, layer="shop")), offer("x", **off(5000, 40_000, layer="cross_shop"))
    )
    assert answer.total == 0
    assert amounts(answer) == [38_000, 2000]


def test_what_a_line_cannot_take_is_dropped() -> None:
    only_a: Any = {"include": {"skus": ["a"]}}
    cart = [line("A", 15_000, sku="a"), line("B", 5000, sku="b")]
    answer = priced(
        cart,
        offer("x", **off(10_000, layer="item"), scope=only_a),
        offer("y", **off(3000, layer="shop"), scope=only_a),
        offer("z", **off(3000, 20_000)),
    )
    assert answer.running == (0, 4250)
    assert answer.uses[-1].shares == (2000, 750)


def test_what_a_line_cannot_take_is_redistributed_when_the_offer_says_so() -> None:
    only_a: Any = {"include": {"skus": ["a"]}}
    cart = [line("A", 15_000, sku="a"), line("B", 5000, sku="b")]
    answer = priced(
        cart,
        offer("x", **off(13_000, layer="item"), scope=only_a),
        offer("z", **off(3000, 20_000, overflow="redistribute")),
    )
    assert answer.uses[-1].shares == (2000, 1000)


def test_priority_orders_percentages_and_amounts() -> None:
    percent: Any = {"kind": "percent_off", "percent_bp": 2000}
    later = offer("a", **off(1000, priority=1, calculation="sequential"))
    first = offer("b", percent, stacking={"priority": 4, "calculation": "sequential"})
    assert priced([line("1", 10_000)], later, first).total == 7000
    exclusive = offer("b", percent, stacking={"priority": 1, "exclusive": True})
    alone = priced([line("1", 10_000)], offer("a", **off(1000, priority=5)), exclusive)
    assert alone.total == 8000
    assert alone.refused["cpn_a"].excluded_by == "cpn_b"


def test_a_running_threshold_sees_what_earlier_discounts_left() -> None:
    half = offer("h", {"kind": "percent_off", "percent_bp": 5000}, stacking={"layer": "item"})
    more = offer("m", **{**off(1000), "threshold": {"amount": 10_000, "basis": "running"}})
    one = priced([line("1", 12_000)], half, more)
    assert one.total == 6000
    assert one.refused["cpn_m"].missing_amount == 4000
    assert priced([line("1", 12_000, 2)], half, more).total == 11_000


def test_a_list_price_threshold_and_a_quantity_threshold() -> None:
    sale = [line("1", 8000, 2, list_price=10_000)]
    by_list = offer("l", **{**off(1000), "threshold": {"amount": 20_000, "basis": "list"}})
    assert priced(sale, by_list).total == 15_000
    three = priced(sale, offer("q", **{**off(1000), "threshold": {"quantity": 3}}))
    assert three.refused["cpn_q"].missing_quantity == 1


def test_a_percentage_is_computed_once_on_the_whole_and_then_shared_out() -> None:
    cart = [line(str(number), 5) for number in range(3)]
    answer = priced(cart, offer("p", {"kind": "percent_off", "percent_bp": 1000}))
    assert answer.discount == 2  # 1.5 rounded half up once, not three halves rounded one by one
    capped = priced([line("1", 100_000)], offer("p", {"kind": "percent_off", "percent_bp": 2000, "max_amount": 5000}))
    assert capped.discount == 5000


def test_floors_and_undiscountable_lines_hold() -> None:
    cart = [line("1", 1000, floor_price=900), line("2", 1000, discountable=False)]
    answer = priced(cart, offer("x", **off(5000)))
    assert answer.running == (900, 1000)
    above = priced([line("1", 1000, floor_price=2000)], offer("x", **off(500)))
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
    answer = priced(
        [line("1", 29_000, category="shoes")],
        offer("near", **off(5000, 30_000)),
        offer("else", **off(5000), scope={"include": {"categories": ["hats"]}}),
        offer("used", **off(900, group="g")),
        offer("worse", **off(800, group="g")),
    )
    assert used(answer) == ["cpn_used"]
    assert {name: one.code for name, one in answer.refused.items()} == {
        "cpn_near": "below_threshold",
        "cpn_else": "out_of_scope",
        "cpn_worse": "excluded_by",
    }
    assert answer.refused["cpn_near"].missing_amount == 1000


def test_two_copies_of_one_offer_are_not_used_together_and_the_older_goes_first() -> None:
    young, old = offer("t", **off(500), days=2), offer("t", **off(500), days=1)
    copies = [Offer("cpn_1", young.template_id, young.terms, young.expires_at), old]
    answer = priced([line("1", 5000)], *copies)
    assert used(answer) == ["cpn_t"]
    assert answer.refused["cpn_1"].excluded_by == "cpn_t"


def test_ties_take_fewer_coupons_then_the_earliest_expiry_then_the_id() -> None:
    cart = [line("1", 1000)]
    answer = priced(cart, offer("a", **off(500)), offer("b", **off(500)), offer("c", **off(1000), days=9))
    assert used(answer) == ["cpn_c"]
    assert answer.refused["cpn_a"].code == "no_effect"
    answer = priced(
        cart, offer("a", **off(1000), days=5), offer("b", **off(1000), days=1), offer("c", **off(1000), days=1)
    )
    assert used(answer) == ["cpn_b"]


# Layers, points, promotions


def test_layers_come_in_their_order_whatever_the_order_of_the_wallet() -> None:
    cart = [line("1", 20_000)]
    layers = ["item", "shop", "cross_shop", "coupon", "points", "shipping"]
    wallet = [offer(layer, **off(100, layer=layer)) for layer in reversed(layers)]
    assert used(priced(cart, *wallet)) == [f"cpn_{layer}" for layer in layers]


def test_a_cross_shop_discount_is_shared_out_to_the_shops() -> None:
    cart = [line("1", 15_000, shop_id="A"), line("2", 9000, shop_id="B"), line("3", 6000, shop_id="B")]
    answer = priced(cart, offer("x", automatic=True, **off(5000, 30_000, layer="cross_shop")))
    assert answer.uses[0].shares == (2500, 1500, 1000)


def test_points_pay_goods_after_coupons_and_before_shipping() -> None:
    cart = [line("1", 6000, floor_price=3000), line("2", 4000), line("3", 500, discountable=False)]
    free = offer("f", {"kind": "free_shipping"}, threshold={"amount": 8000, "basis": "running"})
    coupon = offer("c", **off(1000))
    paid = priced(cart, coupon, free, fee=700, points=1000)
    assert paid.points == (400, 600, 0)  # in proportion to what the lines hold above their floors: 2400 and 3600
    assert (paid.points_discount, paid.shipping_discount, paid.total) == (1000, 700, 8500)
    too_many = priced(cart, coupon, free, fee=700, points=10**6)
    assert too_many.running == (3000, 0, 500)
    assert (too_many.shipping_discount, too_many.refused["cpn_f"].code) == (0, "below_threshold")


def test_nobody_declines_a_promotion_but_a_coupon_of_its_group_may_stand_in_its_place() -> None:
    cart = [line("1", 10_000)]
    promotion = offer("p", automatic=True, **off(1000, layer="item", group="g"))
    blocked = offer("big", **off(3000) | {"threshold": {"amount": 10_000, "basis": "running"}})
    forced = priced(cart, promotion, blocked)
    assert (used(forced), forced.refused["cpn_big"].missing_amount) == (["prm_p"], 1000)
    better = priced(cart, promotion, offer("c", **off(1500, group="g")))
    assert (used(better), better.refused["prm_p"].excluded_by) == (["cpn_c"], "cpn_c")
    worse = priced(cart, promotion, offer("c", **off(900, group="g")))
    assert (used(worse), worse.refused["cpn_c"].excluded_by) == (["prm_p"], "prm_p")


def test_promotions_do_not_count_as_coupons() -> None:
    cart = [line("1", 1000)]
    answer = priced(
        cart, offer("p", automatic=True, **off(500)), offer("a", **off(500)), offer("c", **off(1000), days=9)
    )
    assert sorted(used(answer)) == ["cpn_a", "prm_p"]


def test_an_exclusive_promotion_stands_alone_only_where_that_is_best() -> None:
    cart = [line("1", 10_000)]
    alone = offer("e", automatic=True, **off(2000, exclusive=True))
    assert used(priced(cart, alone, offer("c", **off(1500)))) == ["prm_e"]
    both = [offer("c", **off(1500)), offer("d", **off(600))]
    assert used(priced(cart, alone, *both)) == ["cpn_c", "cpn_d"]


def test_gifts_and_cash_back_decide_between_equal_prices() -> None:
    cart = [line("1", 10_000)]
    money = offer("m", **off(1, group="g"))
    gift = offer("g", {"kind": "gift", "sku": "cup"}, stacking={"group": "g"})
    back = offer("b", {"kind": "cash_back", "amount": 500}, stacking={"group": "g"})
    assert used(priced(cart, gift, back)) == ["cpn_b"]
    assert used(priced(cart, gift, back, money)) == ["cpn_m"]


def test_money_in_a_reason_is_written_as_people_write_it() -> None:
    refusal = priced([line("1", 28_310)], offer("x", **off(5000, 30_000))).refused["cpn_x"]
    assert (refusal.detail, refusal.detail_zh) == ("Add goods for ¥16.90 more.", "再买¥16.90即可使用")
