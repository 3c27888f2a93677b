"""What may be used on a cart: the wallet and the running promotions, read at once for all carts that are priced together."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import NamedTuple

from services.coupon.pricing import repository
from services.coupon.pricing.candidates import Candidate
from services.coupon.pricing.repository import PricedCoupon, RunningPromotion
from services.coupon.templates import repository as templates
from services.coupon.templates.cache import TermsCache
from services.coupon.templates.terms import Terms
from services.coupon.templates.validity import FOREVER, local_day
from shared.batching import GroupCommit
from shared.db import Transaction
from shared.service import Kit

_MOST_TOGETHER = 32
"""Wallets that are read at once: large ones must not keep the others waiting for long."""


class Asked(NamedTuple):
    """Whose wallet, and promotions in which currency."""

    customer_id: str
    currency: str


@dataclass(frozen=True, slots=True)
class OnOffer:
    """What there was at the instant `now`: coupons by id, soonest to end first, and promotions in the order of their ids."""

    now: datetime
    coupons: Mapping[str, Candidate]
    promotions: Sequence[Candidate]

    @property
    def candidates(self) -> list[Candidate]:
        """All of them."""
        return [*self.coupons.values(), *self.promotions]

    def with_coupons(self, more: Sequence[Candidate]) -> "OnOffer":
        """The same and `more` coupons."""
        return replace(self, coupons={**self.coupons, **{one.id: one for one in more}}) if more else self


class OfferReader:
    """Finds the offers of customers. Nothing is kept but terms, which never change: each price is of what is stored now.

    Quotes that arrive while others' offers are read have theirs read next, together: enter `group.running()` for as long as
    they may come.
    """

    def __init__(self, kit: Kit, terms: TermsCache, time_zone: str) -> None:
        self._clock = kit.clock
        self._terms = terms
        self._time_zone = time_zone
        self.group: GroupCommit[Asked, OnOffer] = GroupCommit(
            "coupon.quotes", kit.db, self._read, max_batch=_MOST_TOGETHER, reading=True
        )

    async def of(self, customer_id: str, currency: str) -> OnOffer:
        """What the customer may use now."""
        return await self.group.submit(Asked(customer_id, currency))

    async def named(self, tx: Transaction, customer_id: str, coupon_ids: Sequence[str], currency: str) -> OnOffer:
        """The promotions, and those of the named coupons that are the customer's, as the transaction sees them."""
        now = self._clock.now()
        rows = await repository.named(tx, customer_id, coupon_ids)
        return OnOffer(now, await self._coupons(tx, rows), await self.promotions(tx, [currency], now))

    async def _read(self, tx: Transaction, asked: Sequence[Asked]) -> Sequence[OnOffer]:
        now = self._clock.now()
        wallets: dict[str, list[PricedCoupon]] = {one.customer_id: [] for one in asked}
        for row in await repository.live(tx, list(wallets), now):
            wallets[row.customer_id].append(row)
        coupons = {one: await self._coupons(tx, rows) for one, rows in wallets.items()}
        running: dict[str, list[Candidate]] = {one.currency: [] for one in asked}
        for promotion in await self.promotions(tx, list(running), now):
            running[promotion.currency].append(promotion)
        return [OnOffer(now, coupons[one.customer_id], running[one.currency]) for one in asked]

    async def _coupons(self, tx: Transaction, rows: Sequence[PricedCoupon]) -> dict[str, Candidate]:
        snapshots = await self._terms.load(tx, {(row.template_id, row.terms_version) for row in rows})
        return {row.id: _coupon(row, snapshots[row.template_id, row.terms_version].terms) for row in rows}

    async def promotions(self, tx: Transaction, currencies: Sequence[str], now: datetime) -> list[Candidate]:
        """The promotions that run, whatever they ask of cart, hour and customer."""
        rows = await repository.promotions(tx, currencies, now)
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
