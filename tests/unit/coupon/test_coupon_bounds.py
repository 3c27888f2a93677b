"""The bounds of the search (docs/adr/0012-pricing-bounds.md): nothing that may follow takes more than they say."""

from random import Random

from hypothesis import example, given, settings
from hypothesis import strategies as st
from kit.examples import examples
from unit.coupon.carts import CARTS, Json, line, off, offer, tangle, wallets

from services.coupon.pricing.best import _Search
from services.coupon.pricing.bounds import Bounds
from services.coupon.pricing.cart import Cart
from services.coupon.pricing.offers import Offer
from services.coupon.pricing.rules import Compiled
from services.coupon.pricing.state import Numbers, State, after

SEQUENTIAL: Json = {"calculation": "sequential"}


def portion(name: str, basis_points: int, scope: Json | None = None, **more: str) -> Offer:
    benefit = {"kind": "percent_off", "percent_bp": basis_points, **more}
    return offer(name, benefit, stacking=SEQUENTIAL, scope=scope or {})


UNEVEN = Cart((line("0", 333, 3), line("1", 101), line("2", 67, 2)), 800)
CENTS = Cart((line("0", 3, 9), line("1", 5, 7)))
HALVES = [portion(str(at), 5000, per="unit") for at in range(2)]
"""Half of each unit, rounded up: 55, where the portions alone come to 46.5."""
SINGLES = Cart(tuple(line(str(at), 1, category="b" if at < 6 else "a") for at in range(12)))
LEFTOVERS = [portion("all", 5000), portion("rest", 10_000, {"include": {"categories": ["a"]}})]
"""The first can take whole units only and takes those of the first lines; the second finds more than half on the others."""
GUARDED = [
    offer(str(at), **{**off(300 + at), "threshold": {"basis": "running", "amount": limit}, "stacking": SEQUENTIAL})
    for at, limit in enumerate((1000, 700, 900))
]
"""Running thresholds on what the offers themselves take: the last one may take below its limit."""
PRICED = [
    portion("half", 5000),
    offer("price", {"kind": "fixed_price", "amount": 50}, stacking=SEQUENTIAL),
    offer("lower", {"kind": "fixed_price", "amount": 40}, stacking=SEQUENTIAL),
    offer("group", **off(400, group="g")),
    offer("other", **off(500, group="g")),
]
"""A portion, two prices of units and a group: all three bounds have a say."""


@settings(max_examples=examples(200))
@example(CENTS, HALVES, 0)
@example(SINGLES, LEFTOVERS, 0)
@example(UNEVEN, GUARDED, 0)
@example(UNEVEN, PRICED, 300)
@given(CARTS, wallets(5), st.sampled_from([0, 300]))
def test_no_way_to_go_on_takes_more_than_its_bound(cart: Cart, wallet: list[Offer], points: int) -> None:
    """At every node of the whole tree, with exclusions and points as the search sees them."""
    try_every_way(cart, wallet, points)


def test_no_way_through_a_tangle_takes_more_than_its_bound() -> None:
    for seed in range(400):
        try_every_way(*tangle(Random(seed)), 0)  # noqa: S311 - no secret


def try_every_way(cart: Cart, wallet: list[Offer], points: int) -> None:
    numbers = Numbers(cart)
    compiled = (Compiled(one, numbers) for one in wallet)
    useful = sorted((one for one in compiled if one.refusal is None), key=lambda one: one.order)
    most_from(_Search(useful, numbers, points, 1), 0, numbers.start, 0)


def most_from(search: _Search, position: int, state: State, blocked: int) -> tuple[int, int]:
    """The most money and other worth that any way to go on from here brings, found by trying each."""
    if position == search._till:
        state = after(state, search._numbers.points(state, search._points))
    if position == len(search._free):
        return 0, 0
    money, extra = most_from(search, position + 1, state, blocked)
    one, keys = search._free[position], search._keys[position]
    taken = None if keys & blocked else one.take(state)
    if taken is not None:
        now, worth = taken.money, taken.extra
        more, further = most_from(search, position + 1, after(state, taken), blocked | keys)
        money, extra = max(money, now + more), max(extra, worth + further)
    reach = search._bounds.reach(position, state, blocked)
    assert (money <= reach.money, extra <= reach.extra) == (True, True), (position, state, money, extra, reach)
    return money, extra


@settings(max_examples=examples(200))
@given(CARTS, wallets(5), st.randoms(use_true_random=False))
def test_the_bound_really_bounds_and_rules_never_want_more_later(
    cart: Cart, wallet: list[Offer], random: Random
) -> None:
    follow(cart, wallet, random)


def test_the_bound_bounds_tangles_as_well() -> None:
    for seed in range(1500):
        random = Random(seed)  # noqa: S311 - no secret
        follow(*tangle(random), random)


def follow(cart: Cart, wallet: list[Offer], random: Random) -> None:
    """Along a walk through the offers, whatever is taken and left, what is still taken stays under each bound."""
    numbers = Numbers(cart)
    ordered = sorted((Compiled(one, numbers) for one in wallet), key=lambda one: one.order)
    useful = [one for one in ordered if one.refusal is None]
    bounds = Bounds(useful, [1 << at for at in range(len(useful))], numbers)
    state, steps = numbers.start, []
    for position, one in enumerate(useful):
        found = one.take(state)
        reach = bounds.reach(position, state, 0)
        if found is not None and random.random() < 0.7:
            assert found.money <= one.ceiling + one.shipping
            assert found.extra <= one.extra
            state = after(state, found)
            steps.append((reach, found.money, found.extra))
        else:
            steps.append((reach, 0, 0))
    for position, (reach, _, _) in enumerate(steps):
        assert sum(money for _, money, _ in steps[position:]) <= reach.money
        assert sum(extra for _, _, extra in steps[position:]) <= reach.extra
    for one in ordered:
        if one.refusal is not None and one.refusal.code == "no_effect":
            assert one.take(state) is None
