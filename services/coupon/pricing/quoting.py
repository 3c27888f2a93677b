"""The quote 试算: reads a wallet and the running promotions, asks the engine, writes nothing."""

from asyncio import to_thread
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass
from datetime import datetime

from services.coupon.abuse.attempts import Attempt, AttemptLimiter
from services.coupon.audience.queries import Audience
from services.coupon.codes.problems import coupon_invalid
from services.coupon.codes.resolving import Resolving
from services.coupon.pricing import repository
from services.coupon.pricing.budgets import price_within
from services.coupon.pricing.candidates import Candidate, Moment, sort_out, with_the_carts
from services.coupon.pricing.cart import Cart
from services.coupon.pricing.offers import Answer, Refusal
from services.coupon.pricing.repository import PricedCoupon, RunningPromotion
from services.coupon.pricing.schemas import CartIn, QuoteIn, QuoteView
from services.coupon.pricing.typed_codes import TypedCodes, all_invalid, look_up
from services.coupon.pricing.views import quote_view
from services.coupon.templates import repository as templates
from services.coupon.templates.cache import TermsCache
from services.coupon.templates.terms import Terms
from services.coupon.templates.validity import FOREVER, local_day
from shared.db import Transaction
from shared.service import Kit
from shared.web import Caller, Client, Forbidden, HotRequest, Problem, client_of
from shared.web.lanes import Lane

FEW_LINES = 20
"""Carts of up to so many lines are priced in milliseconds."""


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
    """Prices carts with the coupons of their customers and the promotions that run: the one way to a price."""

    def __init__(
        self, kit: Kit, terms: TermsCache, audience: Audience, codes: Resolving, limiter: AttemptLimiter, time_zone: str
    ) -> None:
        self._kit = kit
        self._long = Lane(at_once=1, waiting=16)
        self._terms = terms
        self._audience = audience
        self._codes = codes
        self._limiter = limiter
        self._time_zone = time_zone

    async def quote_cart(self, request: HotRequest[QuoteIn]) -> bytes:
        """The price as a checkout would find it now. Codes are priced as if they were redeemed; wrong ones are counted."""
        caller, cart = request.caller, request.body
        caller.require_customer(cart.customer_id)
        async with self.turn(cart):
            view = await self._quote(caller, cart, client_of(request.scope))
        return view.model_dump_json(exclude_none=True).encode()

    def turn(self, cart: CartIn, *, long: bool = False) -> AbstractAsyncContextManager[None]:
        """Long carts are priced one after the other, and `long` work on any cart: enter before the database is asked."""
        if long or len(cart.lines) > FEW_LINES:
            return self._long.turn(patient=not self._kit.db.is_joined())
        return nullcontext()

    async def _quote(self, caller: Caller, cart: CartIn, client: Client) -> QuoteView:
        vouched(caller, cart)
        if not cart.codes:
            return await self._look(cart)
        denied = coupon_invalid()
        try:
            async with self._limiter.admit(client, cart.customer_id, denied=denied) as attempt:
                return await self._look(cart, attempt)
        except Problem as refused:
            if refused is not denied:
                raise
            return await self._look(cart)

    async def _look(self, cart: CartIn, attempt: Attempt | None = None) -> QuoteView:
        """The quote; without an attempt every code is refused."""
        async with self._kit.db.read() as tx:
            if attempt is None:
                codes = all_invalid(cart.codes)
            else:
                codes = await look_up(self._codes, tx, cart.customer_id, cart.codes, attempt)
            if cart.coupons == "best":
                rows = await repository.live(tx, cart.customer_id, self._kit.clock.now())
                return (await self._price(tx, cart, rows, [row.id for row in rows], codes)).view
            named = list(dict.fromkeys([*cart.coupons, *codes.coupon_ids]))
            rows = await repository.named(tx, cart.customer_id, named)
            return (await self._price(tx, cart, rows, named, codes)).view

    async def candidates(self, tx: Transaction, cart: CartIn) -> Sequence[str]:
        """Ids of the coupons to price: those that are named, or the live ones of the wallet, soonest to end first."""
        if cart.coupons != "best":
            return list(dict.fromkeys(cart.coupons))
        return await repository.live_ids(tx, cart.customer_id, self._kit.clock.now())

    async def limited(self, tx: Transaction, cart: CartIn, coupon_ids: Sequence[str]) -> Sequence[str]:
        """Ids of the offers whose limits an order of this cart may meet: to hold before it is priced for keeps."""
        return await repository.limited(tx, cart.currency, coupon_ids, self._kit.clock.now())

    async def price(
        self, tx: Transaction, cart: CartIn, coupon_ids: Sequence[str], *, order_id: str | None = None
    ) -> Priced:
        """The cart's price with the best of these coupons and of the promotions.

        `order_id`: in the write transaction that makes this order, whose coupons are held.
        """
        rows = await repository.named(tx, cart.customer_id, coupon_ids)
        return await self._price(tx, cart, rows, coupon_ids, TypedCodes(), order_id)

    async def _price(
        self,
        tx: Transaction,
        cart: CartIn,
        rows: Sequence[PricedCoupon],
        coupon_ids: Sequence[str],
        codes: TypedCodes,
        order_id: str | None = None,
    ) -> Priced:
        now = self._kit.clock.now()
        wallet = {**await self._wallet(tx, rows), **{one.id: one for one in codes.coming}}
        promotions = await self.promotions(tx, cart.currency, now)
        moment = await self.moment(tx, cart, [*wallet.values(), *promotions], now, order_id)
        refused = {**codes.refused, **{one: Refusal.of("not_found") for one in coupon_ids if one not in wallet}}
        candidates = {**wallet, **{one.id: one for one in promotions}}
        usable, unfit = sort_out(candidates.values(), moment)
        own = {
            one: refusal for one, refusal in unfit.items() if one in wallet
        }  # a promotion for others is nothing to tell
        order = [*coupon_ids, *codes.typed, *(one.id for one in promotions)]

        def priced() -> Priced:
            goods = cart.priced()
            answer = best_price(goods, usable, cart.points)
            refused.update({**with_the_carts(own, wallet, goods), **answer.refused})
            shown = {one: refused[one] for one in order if one in refused}
            return Priced(quote_view(answer, candidates, shown, now, typed=codes.typed), answer)

        # A second of arithmetic for the longest carts: not while everybody else waits.
        return priced() if len(cart.lines) <= FEW_LINES else await to_thread(priced)

    async def _wallet(self, tx: Transaction, rows: Sequence[PricedCoupon]) -> dict[str, Candidate]:
        snapshots = await self._terms.load(tx, {(row.template_id, row.terms_version) for row in rows})
        return {row.id: _coupon(row, snapshots[row.template_id, row.terms_version].terms) for row in rows}

    async def promotions(self, tx: Transaction, currency: str, now: datetime) -> list[Candidate]:
        """The promotions that run, whatever they ask of cart, hour and customer."""
        rows = await repository.promotions(tx, currency, now)
        snapshots = await self._terms.load(tx, {(row.id, row.terms_version) for row in rows})
        terms = {row.id: snapshots[row.id, row.terms_version].terms for row in rows}
        days = {
            row.id: local_day(now, terms[row.id].validity.time_zone or self._time_zone)
            for row in rows
            if row.per_day is not None
        }
        counted = await templates.days(tx, list(days.items()))
        full = {
            row.id for row in rows if row.per_day is not None and counted.get((row.id, days[row.id]), 0) >= row.per_day
        }
        return [_promotion(row, terms[row.id], now) for row in rows if row.id not in full]

    async def moment(
        self, tx: Transaction, cart: CartIn, candidates: Sequence[Candidate], now: datetime, order_id: str | None = None
    ) -> Moment:
        """When, where and for whom, as far as these offers ask."""
        scopes = [candidate.terms.scope for candidate in candidates]
        known = await self._audience.facts(tx, scopes, [cart.customer_id], now, order_id=order_id)
        return Moment(now, self._time_zone, cart.currency, cart.channel, known[cart.customer_id])


def vouched(caller: Caller, cart: CartIn) -> None:
    """Points are paid only where the shop itself says that the customer has them."""
    if cart.points and caller.customer_id is not None:
        detail = "Points can be spent through the shop's own server only, which knows the balance. Leave `points` at 0."
        raise Forbidden("points_need_the_shop", detail)


def best_price(cart: Cart, usable: Sequence[Candidate], points: int) -> Answer:
    """The engine's answer for candidates that may be used."""
    left = {one.id: one.budget_left for one in usable if one.budget_left is not None}
    return price_within(cart, [one.offer() for one in usable], left, points=points)


def _coupon(row: PricedCoupon, terms: Terms) -> Candidate:
    return Candidate(
        id=row.id,
        template_id=row.template_id,
        terms_version=row.terms_version,
        terms=terms,
        name=row.name,
        currency=row.currency,
        valid_from=row.valid_from,
        valid_until=row.valid_until,
        status=row.status,
        locked_until=row.locked_until,
        face_amount=row.face_amount,
        budget_left=None if row.budget is None else row.reserved + row.budget - row.budget_spent,
    )


def _promotion(row: RunningPromotion, terms: Terms, now: datetime) -> Candidate:
    return Candidate(
        id=row.id,
        template_id=row.id,
        terms_version=row.terms_version,
        terms=terms,
        name=row.name,
        currency=row.currency,
        valid_from=terms.validity.from_ or now,
        valid_until=terms.validity.until or FOREVER,
        budget_left=None if row.budget is None else row.budget - row.budget_spent,
        automatic=True,
    )
