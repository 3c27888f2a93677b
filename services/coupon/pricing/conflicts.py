"""Stacks that go too far 叠加冲突: what a draft and the running offers would leave of a cart, for marketers. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from services.coupon.pricing.best import excludes
from services.coupon.pricing.cart import Cart
from services.coupon.pricing.engine import price, reprice
from services.coupon.pricing.offers import Answer, Offer
from services.coupon.pricing.rules import Compiled
from services.coupon.pricing.state import Numbers


@dataclass(frozen=True, slots=True)
class Conflict:
    """A stack (offer ids, in the order of application) after which the goods are free, or lines cost less than the shop paid.

    `lines` names the lines under their cost; `amount` is what is missing to it there, or the worth of the goods that are
    free. `allowed`: the draft says by `allow_zero_pay` that this is meant.
    """

    kind: Literal["free", "under_cost"]
    offers: tuple[str, ...]
    lines: tuple[str, ...]
    amount: int
    allowed: bool


def conflicts(cart: Cart, draft: Offer, live: Sequence[Offer]) -> list[Conflict]:
    """The smallest stacks with the draft that end free of charge or under cost on this cart: alone, in pairs, all together."""
    found: list[Conflict] = []
    for stack in _stacks(cart, draft, live):
        for conflict in _of(reprice(cart, stack), draft):
            known = (set(one.offers) <= set(conflict.offers) for one in found if one.kind == conflict.kind)
            if not any(known):
                found.append(conflict)
    return found


def _stacks(cart: Cart, draft: Offer, live: Sequence[Offer]) -> Iterator[list[Offer]]:
    yield [draft]
    numbers = Numbers(cart)
    mine = Compiled(draft, numbers)
    compatible = [offer for offer in live if not excludes(mine, Compiled(offer, numbers))]
    for offer in compatible:
        yield [draft, offer]
    yield [use.offer for use in price(cart, [draft, *compatible]).uses]


def _of(answer: Answer, draft: Offer) -> Iterator[Conflict]:
    stack = tuple(use.offer.id for use in answer.uses)
    if draft.id not in stack:
        return
    allowed, cart = draft.terms.allow_zero_pay, answer.cart
    if cart.subtotal and not any(answer.running):
        yield Conflict("free", stack, (), cart.subtotal, allowed)
    under = [
        (line.line_id, line.cost_price * line.quantity - left)
        for line, left in zip(cart.lines, answer.running, strict=True)
        # A line that is sold under its cost anyway is no news of this stack.
        if line.cost_price is not None and left < min(line.cost_price * line.quantity, line.subtotal)
    ]
    if under:
        yield Conflict("under_cost", stack, tuple(name for name, _ in under), sum(lack for _, lack in under), allowed)
