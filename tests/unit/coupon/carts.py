"""Carts and offers for the tests of the pricing engine: short names, random ones, and the answer by brute force."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import combinations
from random import Random
from typing import Any

from hypothesis import strategies as st

from services.coupon.pricing.best import excludes
from services.coupon.pricing.cart import Cart, Line
from services.coupon.pricing.engine import price
from services.coupon.pricing.offers import Answer, Offer
from services.coupon.pricing.rules import SHIPPING_LAYER, Compiled
from services.coupon.pricing.state import Numbers, after
from services.coupon.templates.terms import Terms

END = datetime(2026, 12, 1, tzinfo=UTC)
Json = dict[str, Any]


def line(line_id: str, price: int, quantity: int = 1, **more: Any) -> Line:
    return Line(line_id, quantity, price, more.pop("list_price", price), **more)


def offer(name: str, benefit: Json, days: int = 0, *, automatic: bool = False, **terms: Any) -> Offer:
    body = {"benefit": benefit, "allow_zero_pay": True, **terms}
    prefix = "prm" if automatic else "cpn"
    until = END + timedelta(days=days)
    return Offer(f"{prefix}_{name}", f"tpl_{name}", Terms.model_validate(body), until, automatic=automatic)


def off(amount: int, threshold: int | None = None, **stacking: Any) -> Json:
    """Terms of `amount` off, from `threshold` on."""
    terms: Json = {"benefit": {"kind": "amount_off", "amount": amount}, "stacking": stacking}
    return terms | ({"threshold": {"amount": threshold}} if threshold else {})


def priced(lines: Sequence[Line], *offers: Offer, fee: int = 0, points: int = 0, steps: int = 100_000) -> Answer:
    return price(Cart(tuple(lines), fee), offers, points=points, most_steps=steps)


def used(answer: Answer) -> list[str]:
    return [use.offer.id for use in answer.uses]


def amounts(answer: Answer) -> list[int]:
    return [use.amount for use in answer.uses]


def by_brute_force(cart: Cart, offers: Sequence[Offer], points: int = 0) -> tuple[int, int, int]:
    """Money off, other worth, and fewest coupons of the best set, found by trying every set there is.

    Priorities: while an offer that insists is used, or could be, nothing of a lower rank that it excludes is in the set. One
    that is in no best set gives up, and it is tried again.
    """
    numbers = Numbers(cart)
    ordered = sorted((Compiled(one, numbers) for one in offers), key=lambda one: one.order)
    insisting = [one for one in ordered if one.offer.terms.stacking.choice == "priority" and one.refusal is None]
    while True:
        beaten: dict[str, str] = {}
        for one in sorted(insisting, key=lambda one: -one.offer.terms.stacking.priority):
            rank = one.offer.terms.stacking.priority
            if one.offer.id not in beaten:
                lower = [
                    other for other in ordered if other.offer.terms.stacking.priority < rank and excludes(one, other)
                ]
                beaten |= {other.offer.id: one.offer.id for other in lower if other.offer.id not in beaten}
        standing = [one for one in ordered if one.offer.id not in beaten]
        found, chosen = _best_set(numbers, standing, points)
        # Who beats only what could take nothing anyway makes no difference.
        usable = {one.offer.id for one in ordered if one.refusal is None}
        idle = {winner for loser, winner in beaten.items() if loser in usable} - {one.offer.id for one in chosen}
        if not idle:
            return found
        insisting = [one for one in insisting if one.offer.id not in idle]


def _best_set(
    numbers: Numbers, ordered: Sequence[Compiled], points: int
) -> tuple[tuple[int, int, int], Sequence[Compiled]]:
    best: tuple[int, int, int] = (-1, 0, 0)
    names: object = None
    found: Sequence[Compiled] = ()
    for size in range(len(ordered) + 1):
        for chosen in combinations(ordered, size):
            if any(excludes(one, other) for one, other in combinations(chosen, 2)):
                continue
            worth = _worth(numbers, ordered, chosen, points)
            if worth is None:
                continue
            coupons = sorted((one.offer.expires_at, one.offer.id) for one in chosen if not one.offer.automatic)
            called = coupons, sorted(one.offer.id for one in chosen if one.offer.automatic)
            key = (*worth, -len(coupons))
            if key > best or (key == best and called < names):  # type: ignore[operator] # set with the first
                best, names, found = key, called, chosen
    return best, found


def _worth(
    numbers: Numbers, ordered: Sequence[Compiled], chosen: Sequence[Compiled], points: int
) -> tuple[int, int] | None:
    """What exactly this set brings; None when a member takes nothing, or a promotion is left out without a reason."""
    state, money, extra, paid = numbers.start, 0, 0, False
    for one in ordered:
        if not paid and one.order[0] >= SHIPPING_LAYER:
            state, paid = after(state, numbers.points(state, points)), True
        taken = one.take(state) if one.refusal is None else None
        if one in chosen:
            if taken is None:
                return None
            state, money, extra = after(state, taken), money + taken.money, extra + taken.extra
        elif one.offer.automatic and taken is not None and not any(excludes(one, other) for other in chosen):
            return None
    return money, extra


# Random carts and wallets: small numbers, so that caps, ties and thresholds meet often.

MONEY = st.integers(1, 3000)
BASIS_POINTS = st.integers(1, 10_000)
PIECES = st.integers(1, 4)
SCOPES = st.sampled_from([{}, {"include": {"categories": ["a"]}}, {"exclude": {"categories": ["a"]}}])


@st.composite
def _line(draw: st.DrawFn, at: int) -> Line:
    amount = draw(st.integers(0, 3000))
    return Line(
        str(at),
        draw(st.integers(1, 3)),
        amount,
        amount + draw(st.sampled_from([0, 0, 400])),
        draw(st.sampled_from([0, 0, 700])),
        product_id=f"p{at}",
        sku=f"s{at}",
        category=draw(st.sampled_from("ab")),
        discountable=at == 0 or draw(st.sampled_from([True, True, False])),
    )


CARTS = st.integers(1, 4).flatmap(
    lambda size: st.builds(
        lambda lines, fee: Cart(lines, fee),
        st.tuples(*(_line(at) for at in range(size))),
        st.sampled_from([0, 0, 800]),
    )
)
_RISING = st.lists(st.tuples(MONEY, MONEY), min_size=1, max_size=3).map(
    lambda rows: [
        {"threshold": threshold, "amount": amount}
        for threshold, amount in zip(
            sorted({threshold for threshold, _ in rows}), sorted({amount for _, amount in rows}), strict=False
        )
    ]
)
_PER = st.sampled_from(["order", "line", "unit"])
_Kinds = dict[str, st.SearchStrategy[Json]]


def _fields(required: Json | None = None, optional: Json | None = None) -> st.SearchStrategy[Json]:
    return st.fixed_dictionaries(required or {}, optional=optional or {})


def _any_of(kinds: _Kinds) -> st.SearchStrategy[Json]:
    return st.one_of([st.builds(dict, fields, kind=st.just(name)) for name, fields in kinds.items()])


GOODS_KINDS: _Kinds = {
    "amount_off": _fields({"amount": MONEY, "per": _PER}, {"max_units": PIECES}),
    "percent_off": _fields({"percent_bp": BASIS_POINTS, "per": _PER}, {"max_units": PIECES, "max_amount": MONEY}),
    "ladder": st.one_of(
        _fields({"steps": _RISING}),
        _fields(
            {"steps": st.just([{"threshold": 2, "percent_bp": 1000}, {"threshold": 4, "percent_bp": 3000}])},
            {"by": st.sampled_from(["amount", "quantity"]), "max_amount": MONEY},
        ),
    ),
    "every": _fields({"threshold": st.integers(200, 3000), "amount": st.integers(1, 300)}, {"max_times": PIECES}),
    "fixed_price": _fields({"amount": MONEY}, {"max_units": PIECES}),
    "buy_get": _fields(
        {
            "buy": _fields({"quantity": st.integers(1, 2)}, {"scope": SCOPES}),
            "get": _fields(
                {"quantity": st.integers(1, 2), "percent_bp": st.sampled_from([5000, 10_000])}, {"scope": SCOPES}
            ),
        },
        {"max_times": PIECES},
    ),
    "bundle_price": _fields(
        {"skus": st.sampled_from([{"s0": 2}, {"s0": 1, "s1": 1}, {"s0": 1, "s2": 2}]), "amount": MONEY},
        {"max_times": PIECES},
    ),
    "exchange": _fields({"product_id": st.sampled_from(["p0", "p1", "p9"])}, {"quantity": st.integers(1, 2)}),
}
OTHER_KINDS: _Kinds = {
    "free_shipping": _fields(None, {"max_amount": MONEY}),
    "shipping_percent_off": _fields({"percent_bp": BASIS_POINTS}, {"max_amount": MONEY}),
    "gift": _fields({"sku": st.just("g"), "quantity": st.integers(1, 3)}),
    "cash_back": st.one_of(_fields({"amount": MONEY}), _fields({"percent_bp": BASIS_POINTS}, {"max_amount": MONEY})),
}
_STACKING: Json = {
    "group": st.sampled_from([None, None, "g", "h"]),
    "exclusive": st.sampled_from([False, False, False, True]),
    "priority": st.integers(0, 2),
    "calculation": st.sampled_from(["sequential", "parallel"]),
    "overflow": st.sampled_from(["drop", "redistribute"]),
    "share_by": st.sampled_from(["amount", "quantity"]),
}
_THRESHOLDS = st.fixed_dictionaries(
    {"basis": st.sampled_from(["list", "activity", "running"])},
    optional={"amount": MONEY, "quantity": PIECES, "scope": SCOPES},
)
_LAYERS = st.sampled_from(["item", "shop", "cross_shop", "coupon", "points", "shipping"])
TERMS = st.one_of(
    st.fixed_dictionaries(
        {
            "benefit": _any_of(GOODS_KINDS),
            "threshold": _THRESHOLDS,
            "scope": SCOPES,
            "stacking": st.fixed_dictionaries({"layer": _LAYERS, **_STACKING}),
        }
    ),
    st.fixed_dictionaries(
        {
            "benefit": _any_of(OTHER_KINDS),
            "threshold": _THRESHOLDS,
            "scope": SCOPES,
            "stacking": st.fixed_dictionaries({"layer": st.just("shipping"), **_STACKING}),
        }
    ),
)


def wallets(most: int, *, automatic: bool = True, insisting: bool = False) -> st.SearchStrategy[list[Offer]]:
    """Offers of every kind; a quarter of them are promotions. `insisting`: some let their priority decide."""
    choices = ["best", "priority"] if insisting else ["best"]
    kinds = st.sampled_from([False, False, False, automatic])
    one = st.tuples(TERMS, st.integers(0, 3), kinds, st.sampled_from(choices))
    return st.lists(one, min_size=1, max_size=most).map(
        lambda rows: [
            offer(str(at), days=days, automatic=auto, **_choosing(terms, choice))
            for at, (terms, days, auto, choice) in enumerate(rows)
        ]
    )


def _choosing(terms: Json, choice: str) -> dict[str, Any]:
    return {**terms, "stacking": {**terms["stacking"], "choice": choice}}


def tangle(random: Random, *, insisting: bool = False) -> tuple[Cart, list[Offer]]:
    """A small cart and offers that get into each other's way: groups, running thresholds, promotions, few amounts."""
    lines = tuple(
        line(str(at), random.choice([400, 1000]), random.randint(1, 2), category=random.choice("ab"))
        for at in range(random.randint(1, 2))
    )
    offers = []
    for number in range(random.randint(2, 6)):
        benefit = random.choice(
            [
                {"kind": "amount_off", "amount": random.choice([100, 200, 300, 500])},
                {"kind": "percent_off", "percent_bp": random.choice([1000, 2000, 5000])},
                {"kind": "fixed_price", "amount": random.choice([300, 700])},
            ]
        )
        terms: Json = {"stacking": {"group": random.choice([None, None, "g", "h"]), "priority": random.randint(0, 1)}}
        if insisting:
            terms["stacking"] |= {"choice": random.choice(["best", "priority"]), "exclusive": random.random() < 0.2}
        if random.random() < 0.5:
            terms["stacking"]["calculation"] = "sequential"
        if random.random() < 0.6:
            terms["threshold"] = {"basis": "running", "amount": random.choice([300, 600, 900, 1200])}
        if random.random() < 0.3:
            terms["scope"] = {"include": {"categories": ["a"]}}
        offers.append(offer(str(number), benefit, automatic=random.random() < 0.4, **terms))
    return Cart(lines), offers
