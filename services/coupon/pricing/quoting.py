"""The quote 试算: reads a wallet and the running promotions, asks the engine, writes nothing."""

from asyncio import to_thread
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

import orjson

from services.coupon.abuse.attempts import Attempt, AttemptLimiter
from services.coupon.audience.queries import Audience
from services.coupon.audience.rules import Facts, asks
from services.coupon.codes.problems import coupon_invalid
from services.coupon.codes.resolving import Resolving
from services.coupon.pricing import repository
from services.coupon.pricing.budgets import price_within
from services.coupon.pricing.candidates import Candidate, Moment, sort_out, with_the_carts
from services.coupon.pricing.cart import Cart
from services.coupon.pricing.offers import Answer, Refusal
from services.coupon.pricing.on_offer import OfferReader, OnOffer
from services.coupon.pricing.schemas import CartIn, QuoteIn, QuoteView
from services.coupon.pricing.typed_codes import TypedCodes, all_invalid, look_up
from services.coupon.pricing.views import Json, quote_json
from shared.db import Transaction
from shared.service import Kit
from shared.web import Caller, Client, Forbidden, HotRequest, Problem, client_of
from shared.web.lanes import Lane

FEW_LINES = 20
"""Carts of up to so many lines are priced in milliseconds."""


@dataclass(frozen=True)
class Priced:
    """A quote as clients see it, in JSON, and the engine's answer that it was made of."""

    quote: Json
    answer: Answer

    @cached_property
    def view(self) -> QuoteView:
        """The quote as the service itself reads it."""
        return QuoteView.model_validate(self.quote)

    @property
    def first_order(self) -> bool:
        """True when an offer for first orders is used."""
        return any(use.offer.terms.scope.first_order_only for use in self.answer.uses)


class Quoting:
    """Prices carts with the coupons of their customers and the promotions that run: the one way to a price."""

    def __init__(
        self,
        kit: Kit,
        offers: OfferReader,
        audience: Audience,
        codes: Resolving,
        limiter: AttemptLimiter,
        time_zone: str,
    ) -> None:
        self._kit = kit
        self._long = Lane(at_once=1, waiting=16)
        self._offers = offers
        self._audience = audience
        self._codes = codes
        self._limiter = limiter
        self._time_zone = time_zone

    async def quote_cart(self, request: HotRequest[QuoteIn]) -> bytes:
        """The price as a checkout would find it now. Codes are priced as if they were redeemed; wrong ones are counted."""
        caller, cart = request.caller, request.body
        caller.require_customer(cart.customer_id)
        async with self.turn(cart):
            return orjson.dumps(await self._quote(caller, cart, client_of(request.scope)))

    def turn(self, cart: CartIn, *, long: bool = False) -> AbstractAsyncContextManager[None]:
        """Long carts are priced one after the other, and `long` work on any cart: enter before the database is asked."""
        if long or len(cart.lines) > FEW_LINES:
            return self._long.turn(patient=not self._kit.db.is_joined())
        return nullcontext()

    async def _quote(self, caller: Caller, cart: CartIn, client: Client) -> Json:
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

    async def _look(self, cart: CartIn, attempt: Attempt | None = None) -> Json:
        """The quote; without an attempt every code is refused."""
        codes = all_invalid(cart.codes)
        if attempt is not None:
            async with self._kit.db.read() as tx:
                codes = await look_up(self._codes, tx, cart.customer_id, cart.codes, attempt)
        if cart.coupons == "best":
            found = await self._offers.of(cart.customer_id, cart.currency)
            ids = list(found.coupons)
        else:
            ids = list(dict.fromkeys([*cart.coupons, *codes.coupon_ids]))
            async with self._kit.db.read() as tx:
                found = await self._offers.named(tx, cart.customer_id, ids, cart.currency)
        found = found.with_coupons(codes.coming)
        return (await self._price(cart, found, ids, codes, await self._moment(cart, found))).quote

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
        found = await self._offers.named(tx, cart.customer_id, coupon_ids, cart.currency)
        moment = await self.moment(tx, cart, found.candidates, found.now, order_id)
        return await self._price(cart, found, coupon_ids, TypedCodes(), moment)

    async def _price(
        self, cart: CartIn, found: OnOffer, coupon_ids: Sequence[str], codes: TypedCodes, moment: Moment
    ) -> Priced:
        wallet, promotions = found.coupons, found.promotions
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
            return Priced(quote_json(answer, candidates, shown, found.now, typed=codes.typed), answer)

        # A second of arithmetic for the longest carts: not while everybody else waits.
        return priced() if len(cart.lines) <= FEW_LINES else await to_thread(priced)

    async def _moment(self, cart: CartIn, found: OnOffer) -> Moment:
        """The moment of a quote. Mostly no offer asks for anything that only the database knows."""
        if not any(asks(one.terms.scope) for one in found.candidates):
            return Moment(found.now, self._time_zone, cart.currency, cart.channel, Facts())
        async with self._kit.db.read() as tx:
            return await self.moment(tx, cart, found.candidates, found.now)

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
