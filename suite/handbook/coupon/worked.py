"""Works the examples out with the very engine and rules that price and refund orders."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from services.coupon.pricing.cart import POINTS, Cart, Line
from services.coupon.pricing.engine import price, reprice
from services.coupon.pricing.offers import Answer, Offer
from services.coupon.pricing.schemas import CartIn
from services.coupon.promotions.schemas import PromotionIn
from services.coupon.refunds.rules import Back, Kept, Policy, Sale, Sold, give_back
from services.coupon.templates.schemas import OfferIn, TemplateIn
from suite.handbook.coupon.examples import Example

_UNTIL = datetime(2026, 12, 1, tzinfo=UTC)
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Worked:
    """An example with its price. `names` are the offers' names by id."""

    example: Example
    cart: Cart
    offers: tuple[Offer, ...]
    names: Mapping[str, str]
    answer: Answer


@dataclass(frozen=True, slots=True)
class Refunded:
    """One refund: what the customer gets, and what goes back to who paid the discounts."""

    units: Mapping[str, int]
    money: int
    funders: Mapping[str, int]


def work_out(example: Example) -> Worked:
    """The example's best price. Raises ValidationError for a body that the API would refuse."""
    wanted: list[OfferIn] = [
        (PromotionIn if given.automatic else TemplateIn).model_validate(given.body) for given in example.offers
    ]
    offers = tuple(
        Offer(f"ofr_{at}", f"tpl_{at}", one.terms(), _UNTIL + at * _DAY, automatic=example.offers[at].automatic)
        for at, one in enumerate(wanted)
    )
    body = CartIn.model_validate({"customer_id": "lin", "shipping_fee": example.shipping_fee, "lines": example.lines})
    cart = body.priced()
    names = {offer.id: one.name for offer, one in zip(offers, wanted, strict=True)}
    return Worked(example, cart, offers, names, price(cart, offers, points=example.points))


def refunds(worked: Worked, policy: Policy) -> list[Refunded]:
    """The example's refunds one after the other, under that policy."""
    sale, books, given = _sale(worked), Back(), []
    funders = {use.offer.id: use.offer.terms.funder for use in worked.answer.uses}
    for units in worked.example.returns:
        kept = _kept(worked, books, units) if policy == "clawback" else None
        lines = give_back(sale, books, units, kept)
        paid: dict[str, int] = {}
        offers = dict(books.offers)
        for line in lines:
            for source, amount in line.offers.items():
                paid[funders[source]] = paid.get(funders[source], 0) + amount
                offers[source] = offers.get(source, 0) + amount
        money = sum(line.money for line in lines)
        given.append(Refunded(units, money, paid))
        books = Back(_sum(books.units, units), books.money + money, books.points, offers)
    return given


def _sale(worked: Worked) -> Sale:
    return Sale(
        [
            Sold(line.line_id, line.unit_price, line.quantity, _shares(worked.answer, at))
            for at, line in enumerate(worked.cart.lines)
        ]
    )


def _shares(answer: Answer, at: int) -> dict[str, int]:
    shares = {use.offer.id: use.shares[at] for use in answer.uses if use.shares[at]}
    return shares | ({POINTS: answer.points[at]} if answer.points[at] else {})


def _kept(worked: Worked, books: Back, units: Mapping[str, int]) -> Kept:
    """What the goods that are kept cost when they are priced again with the offers that were used."""
    back = _sum(books.units, units)
    lines = tuple(replace(line, quantity=left) for line in worked.cart.lines if (left := _left(line, back)))
    answer = reprice(Cart(lines, 0, worked.cart.currency), [use.offer for use in worked.answer.uses])
    return Kept(answer.total, {use.offer.id: use.amount for use in answer.uses})


def _left(line: Line, back: Mapping[str, int]) -> int:
    return line.quantity - back.get(line.line_id, 0)


def _sum(one: Mapping[str, int], other: Mapping[str, int]) -> dict[str, int]:
    return {name: one.get(name, 0) + other.get(name, 0) for name in {**one, **other}}
