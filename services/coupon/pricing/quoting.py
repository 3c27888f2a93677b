"""The quote 试算: reads a wallet, asks the engine, writes nothing."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, select

from services.coupon.audience.knowing import facts
from services.coupon.pricing import schemas
from services.coupon.pricing.cart import Cart, Line
from services.coupon.pricing.engine import price
from services.coupon.pricing.offers import Answer, Refusal
from services.coupon.pricing.schemas import CartIn, QuoteView
from services.coupon.pricing.wallets import Held, Moment, unusable
from services.coupon.statements import padded
from services.coupon.templates.repository import TEMPLATE, TermsBook
from services.coupon.wallet.ledger import COUPON
from shared.db import Transaction
from shared.service import Kit

MOST_IN_WALLET = 200


@dataclass(frozen=True, slots=True)
class Priced:
    """A quote as the service itself needs it: what clients see, and the engine's answer that it was made of."""

    view: QuoteView
    answer: Answer

    @property
    def first_order(self) -> bool:
        """True when an offer for first orders is used."""
        return any(use.offer.terms.scope.first_order_only for use in self.answer.uses)


class Quoting:
    """Prices carts with the coupons of their customers."""

    def __init__(self, kit: Kit, book: TermsBook, time_zone: str) -> None:
        self._kit = kit
        self._book = book
        self._time_zone = time_zone

    async def quote(self, cart: CartIn) -> QuoteView:
        async with self._kit.db.read() as tx:
            return (await self.price(tx, cart, await self.candidates(tx, cart))).view

    async def candidates(self, tx: Transaction, cart: CartIn) -> Sequence[str]:
        """Ids of the coupons to price: those that are named, or the live ones of the wallet, soonest to end first."""
        if cart.coupons != "best":
            return list(dict.fromkeys(cart.coupons))
        live = COUPON.c.status.in_(("issued", "locked")) & (COUPON.c.valid_until > self._kit.clock.now())
        chosen = select(COUPON.c.id).where(COUPON.c.customer_id == cart.customer_id, live)
        ordered = chosen.order_by(COUPON.c.valid_until, COUPON.c.id).limit(MOST_IN_WALLET)
        return [row.id for row in await tx.execute(ordered)]

    async def price(
        self, tx: Transaction, cart: CartIn, coupon_ids: Sequence[str], *, order_id: str | None = None
    ) -> Priced:
        """The cart's price with the best of these coupons. `order_id`: in the write transaction that makes this order."""
        wallet = await self._wallet(tx, cart.customer_id, coupon_ids)
        moment = await self._moment(tx, cart, list(wallet.values()), order_id)
        refused: dict[str, Refusal] = {}
        offers = []
        for coupon_id in coupon_ids:
            held = wallet.get(coupon_id)
            refusal = Refusal.of("not_found") if held is None else unusable(held, moment)
            if refusal is not None:
                refused[coupon_id] = refusal
            elif held is not None:
                offers.append(held.offer())
        answer = price(Cart(tuple(cart.checked_out()), cart.shipping_fee, cart.currency), offers)
        refused.update(answer.refused)
        return Priced(_view(cart, answer, refused, coupon_ids), answer)

    async def _wallet(self, tx: Transaction, customer_id: str, coupon_ids: Sequence[str]) -> dict[str, Held]:
        if not coupon_ids:
            return {}
        chosen = (
            select(COUPON, TEMPLATE.c.currency)
            .join(TEMPLATE, TEMPLATE.c.id == COUPON.c.template_id)
            .where(COUPON.c.id.in_(padded(coupon_ids)), COUPON.c.customer_id == customer_id)
        )
        rows = (await tx.execute(chosen)).all()
        book = await self._book.load(tx, {(row.template_id, row.terms_version) for row in rows})
        return {row.id: _held(row, book[row.template_id, row.terms_version].terms) for row in rows}

    async def _moment(self, tx: Transaction, cart: CartIn, wallet: Sequence[Held], order_id: str | None) -> Moment:
        now = self._kit.clock.now()
        scopes = [held.terms.scope for held in wallet]
        known = (await facts(tx, scopes, [cart.customer_id], now, order_id=order_id))[cart.customer_id]
        return Moment(now, self._time_zone, cart.currency, cart.channel, known)


def _held(row: Row[Any], terms: Any) -> Held:
    return Held(
        coupon_id=row.id,
        template_id=row.template_id,
        terms_version=row.terms_version,
        terms=terms,
        currency=row.currency,
        status=row.status,
        valid_from=row.valid_from,
        valid_until=row.valid_until,
        locked_until=row.locked_until,
    )


def _view(cart: CartIn, answer: Answer, refused: dict[str, Refusal], order: Sequence[str]) -> QuoteView:
    return QuoteView(
        currency=cart.currency,
        subtotal=answer.cart.subtotal,
        discount=answer.discount,
        shipping_fee=cart.shipping_fee,
        total=answer.total,
        lines=[_line(line, index, answer) for index, line in enumerate(answer.cart.lines)],
        applied=[
            schemas.AppliedView(coupon_id=use.offer.id, template_id=use.offer.template_id, amount=use.amount)
            for use in answer.uses
        ],
        rejected=[_rejected(coupon_id, refused[coupon_id]) for coupon_id in order if coupon_id in refused],
        search="exact" if answer.exact else "bounded",
        best_possible_discount=answer.bound,
    )


def _line(line: Line, index: int, answer: Answer) -> schemas.LineView:
    shares = [
        schemas.LineDiscount(source=use.offer.id, amount=use.shares[index]) for use in answer.uses if use.shares[index]
    ]
    return schemas.LineView(
        line_id=line.line_id,
        subtotal=line.subtotal,
        discount=sum(share.amount for share in shares),
        total=answer.running[index],
        discounts=shares,
    )


def _rejected(coupon_id: str, refusal: Refusal) -> schemas.RejectedView:
    return schemas.RejectedView(
        coupon_id=coupon_id,
        code=refusal.code,
        detail=refusal.detail,
        detail_zh=refusal.detail_zh,
        missing_amount=refusal.missing_amount,
        missing_quantity=refusal.missing_quantity,
        excluded_by=refusal.excluded_by,
    )
