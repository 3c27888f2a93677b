"""The carts and offers of the page for marketers. Their results are nowhere written: the engine works them out.

Bodies are what one posts to `/v1/coupon-templates`, or `/v1/promotions` for automatic ones. A new benefit kind gets its
example here; a test asks for it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Json = dict[str, Any]

NAMES: Mapping[str, tuple[str, str]] = {
    "boots": ("ankle boots", "短靴"),
    "scarf": ("cashmere scarf", "羊绒围巾"),
    "gloves": ("gloves", "手套"),
    "socks": ("wool socks", "羊毛袜"),
    "mug": ("mug", "马克杯"),
    "teapot": ("teapot", "茶壶"),
    "tote": ("tote bag", "帆布袋"),
    "phone": ("phone", "手机"),
    "case": ("phone case", "手机壳"),
    "A": ("goods A", "商品A"),
    "B": ("goods B", "商品B"),
}
"""What goods are called, in English and Chinese."""


@dataclass(frozen=True, slots=True)
class Given:
    """One offer that the customer has as a coupon, or that runs by itself (`automatic`)."""

    body: Json
    automatic: bool = False


@dataclass(frozen=True, slots=True)
class Example:
    """A cart and the offers for it. `returns` are refunds one after the other: units by line."""

    lines: tuple[Json, ...]
    offers: tuple[Given, ...]
    shipping_fee: int = 0
    points: int = 0
    returns: tuple[Mapping[str, int], ...] = ()


def goods(name: str, price: int, quantity: int = 1, **more: Any) -> Json:
    """A cart line; `price` is per unit in minor units."""
    return {"line_id": name, "product_id": name, "sku": name, "quantity": quantity, "unit_price": price, **more}


def coupon(name: str, benefit: Json, **terms: Any) -> Given:
    """A coupon in the customer's wallet."""
    return Given({"name": name, "benefit": benefit, **terms})


def promotion(name: str, benefit: Json, **terms: Any) -> Given:
    """An offer that needs no coupon."""
    return Given({"name": name, "benefit": benefit, **terms}, automatic=True)


def amount_off(amount: int, **more: Any) -> Json:
    """The benefit 满减: an amount in minor units."""
    return {"kind": "amount_off", "amount": amount, **more}


def percent_off(percent_bp: int, **more: Any) -> Json:
    """The benefit 折扣: basis points of the price."""
    return {"kind": "percent_off", "percent_bp": percent_bp, **more}


def at_least(amount: int, **more: Any) -> Json:
    """A threshold."""
    return {"amount": amount, **more}


_CART = (goods("boots", 26900), goods("scarf", 13100))
_MINUS_50 = coupon("满300减50", amount_off(5000), threshold=at_least(30000))
_SOCKS, _SCARVES = goods("socks", 3990, 2), goods("scarf", 13100, 2)
_GLOVES, _MUG = goods("gloves", 6900), goods("mug", 4500)
_SHOPS = (goods("boots", 26900, shop_id="shoe-shop"), goods("scarf", 13100, shop_id="scarf-shop"))

_STEPS = [
    {"threshold": 20000, "amount": 2000},
    {"threshold": 30000, "amount": 4000},
    {"threshold": 50000, "amount": 9000},
]
_PIECES = [{"threshold": 2, "percent_bp": 1000}, {"threshold": 3, "percent_bp": 2000}]
_SECOND_HALF = {"buy": {"quantity": 1}, "get": {"quantity": 1, "percent_bp": 5000}}

KINDS: Mapping[str, Example] = {
    "amount_off": Example(_CART, (_MINUS_50,), 1000),
    "no_threshold": Example((_MUG,), (coupon("无门槛10元", amount_off(1000)),)),
    "per_unit": Example((_SCARVES, _GLOVES), (coupon("每件立减15，限2件", amount_off(1500, per="unit", max_units=2)),)),
    "percent_off": Example(_CART, (coupon("8折，最多减60", percent_off(2000, max_amount=6000)),)),
    "ladder": Example(_CART, (promotion("满200减20/满300减40/满500减90", {"kind": "ladder", "steps": _STEPS}),)),
    "pieces": Example(
        (_SOCKS, _GLOVES), (promotion("2件9折/3件8折", {"kind": "ladder", "by": "quantity", "steps": _PIECES}),)
    ),
    "every": Example(
        (*_CART, _MUG),
        (promotion("每满100减10，最多5次", {"kind": "every", "threshold": 10000, "amount": 1000, "max_times": 5}),),
    ),
    "fixed_price": Example(
        (goods("scarf", 13100, 3),),
        (promotion("围巾一口价99，限2件", {"kind": "fixed_price", "amount": 9900, "max_units": 2}),),
    ),
    "buy_get": Example(
        (goods("mug", 4500, 2), goods("teapot", 12900)),
        (promotion("买2送1", {"kind": "buy_get", "buy": {"quantity": 2}, "get": {"quantity": 1}}),),
    ),
    "second_half": Example((_SCARVES, _GLOVES), (promotion("第2件半价", {"kind": "buy_get", **_SECOND_HALF}),)),
    "bundle_price": Example(
        (goods("phone", 199900), goods("case", 9900, 2)),
        (promotion("手机+壳2049", {"kind": "bundle_price", "skus": {"phone": 1, "case": 1}, "amount": 204900}),),
    ),
    "free_shipping": Example(
        (goods("mug", 4500, 3),), (promotion("满99包邮", {"kind": "free_shipping"}, threshold=at_least(9900)),), 1200
    ),
    "shipping_percent_off": Example(
        (_MUG,), (coupon("运费5折", {"kind": "shipping_percent_off", "percent_bp": 5000}),), 1200
    ),
    "gift": Example(_CART, (promotion("满300赠帆布袋", {"kind": "gift", "sku": "tote"}, threshold=at_least(30000)),)),
    "exchange": Example(
        (goods("teapot", 12900),), (coupon("马克杯兑换券", {"kind": "exchange", "product_id": "mug"}),)
    ),
    "cash_back": Example(
        _CART,
        (
            _MINUS_50,
            promotion("实付返5%，最多20", {"kind": "cash_back", "percent_bp": 500, "max_amount": 2000}),
        ),
    ),
    "cross_shop": Example(
        _SHOPS,
        (
            promotion(
                "跨店每满300减40",
                {"kind": "every", "threshold": 30000, "amount": 4000},
                stacking={"layer": "cross_shop"},
                funder="platform",
            ),
        ),
    ),
}
"""One for each benefit kind at least."""

_AB = (goods("A", 15000), goods("B", 5000))
_A_ONLY = {"include": {"skus": ["A"]}}
_WESTERN = {"preset": "western"}

COMBINING: Mapping[str, Example] = {
    "group": Example(
        _CART,
        (
            coupon("满300减50", amount_off(5000), threshold=at_least(30000), stacking={"group": "大促"}),
            coupon("8折", percent_off(2000), stacking={"group": "大促"}),
            coupon("无门槛10元", amount_off(1000)),
        ),
    ),
    "exclusive": Example(
        _CART,
        (
            coupon("内购价减90", amount_off(9000), threshold=at_least(30000), stacking={"exclusive": True}),
            _MINUS_50,
            coupon("满200减30", amount_off(3000), threshold=at_least(20000)),
        ),
    ),
    "choice": Example(
        _CART,
        (
            coupon("会员日减30", amount_off(3000), stacking={"group": "大促", "priority": 10, "choice": "priority"}),
            coupon("满300减50", amount_off(5000), threshold=at_least(30000), stacking={"group": "大促"}),
        ),
    ),
    "order": Example((goods("A", 10000),), (coupon("减10", amount_off(1000)), coupon("8折", percent_off(2000))), 0),
    "sequential": Example(
        (goods("A", 10000),),
        (
            coupon("减10", amount_off(1000), stacking={"priority": 1}),
            coupon("8折", percent_off(2000), stacking={"calculation": "sequential"}),
        ),
    ),
    "parallel": Example(
        (goods("A", 10000),),
        (
            promotion("店铺满100减20", amount_off(2000), threshold=at_least(10000)),
            promotion("平台满100减20", amount_off(2000), threshold=at_least(10000), stacking={"layer": "cross_shop"}),
        ),
    ),
    "running": Example(
        (goods("A", 10000),),
        (
            promotion("店铺满100减20", amount_off(2000), threshold=at_least(10000), stacking=_WESTERN),
            promotion(
                "平台满100减20",
                amount_off(2000),
                threshold=at_least(10000),
                stacking={"layer": "cross_shop", **_WESTERN},
            ),
        ),
    ),
    "taobao": Example(
        (goods("A", 40000),),
        (
            promotion("店铺满400减380", amount_off(38000), threshold=at_least(40000)),
            promotion(
                "跨店满400减50",
                amount_off(5000),
                threshold=at_least(40000),
                stacking={"layer": "cross_shop"},
                allow_zero_pay=True,
            ),
        ),
    ),
    "jd": Example(
        _AB,
        (
            promotion("A直降100", amount_off(10000), scope=_A_ONLY, stacking={"layer": "item"}),
            promotion("A店铺减30", amount_off(3000), scope=_A_ONLY),
            promotion("满200减30", amount_off(3000), threshold=at_least(20000), stacking={"layer": "cross_shop"}),
        ),
    ),
    "jd_redistributed": Example(
        _AB,
        (
            promotion("A直降100", amount_off(10000), scope=_A_ONLY, stacking={"layer": "item"}),
            promotion("A店铺减30", amount_off(3000), scope=_A_ONLY),
            promotion(
                "满200减30",
                amount_off(3000),
                threshold=at_least(20000),
                stacking={"layer": "cross_shop", "overflow": "redistribute"},
            ),
        ),
    ),
    "shipping_last": Example(
        (goods("A", 12000),),
        (
            promotion("5折", percent_off(5000)),
            promotion("满100包邮", {"kind": "free_shipping"}, threshold=at_least(10000)),
        ),
        1000,
    ),
    "floor": Example(
        (goods("A", 10000, floor_price=8500), goods("B", 5000)),
        (coupon("满100减60", amount_off(6000), threshold=at_least(10000)),),
    ),
    "not_discountable": Example(
        (goods("A", 10000, discountable=False), goods("B", 5000)),
        (coupon("满100减20", amount_off(2000), threshold=at_least(10000)), coupon("减10", amount_off(1000))),
    ),
    "best": Example(
        (*_CART, goods("mug", 4500, 2)),
        (
            _MINUS_50,
            coupon("满400减70", amount_off(7000), threshold=at_least(40000), stacking={"group": "大额"}),
            coupon("85折，最多减65", percent_off(1500, max_amount=6500), stacking={"group": "大额"}),
            coupon("满500减100", amount_off(10000), threshold=at_least(50000)),
            coupon("手套立减20", amount_off(2000), scope={"include": {"skus": ["gloves"]}}),
            coupon("运费券", {"kind": "free_shipping"}),
        ),
    ),
    "points": Example(_CART, (_MINUS_50,), points=2000),
}

_TEN_PERCENT = coupon("满300打9折", percent_off(1000), threshold=at_least(30000))

REFUNDS: Mapping[str, Example] = {
    "refund": Example((goods("mug", 10000, 3),), (coupon("9折", percent_off(1000)),), returns=({"mug": 2}, {"mug": 1})),
    "policies": Example((goods("mug", 5000, 6),), (_TEN_PERCENT,), returns=({"mug": 5}, {"mug": 1})),
    "payers": Example(
        _SHOPS,
        (
            promotion(
                "跨店每满300减40",
                {"kind": "every", "threshold": 30000, "amount": 4000},
                stacking={"layer": "cross_shop"},
                funder="platform",
            ),
            coupon(
                "鞋店满200减20",
                amount_off(2000),
                threshold=at_least(20000),
                scope={"include": {"shops": ["shoe-shop"]}},
            ),
        ),
        returns=({"boots": 1}, {"scarf": 1}),
    ),
}

EXAMPLES: Mapping[str, Example] = {**KINDS, **COMBINING, **REFUNDS}
