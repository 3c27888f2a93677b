"""Whether customers may have coupons of an offer, but for its limits: it is open, it is for them, and how many they have."""

from collections.abc import Iterable, Mapping
from datetime import datetime

from services.coupon.audience.queries import Audience
from services.coupon.audience.rules import Facts, not_for
from services.coupon.refusals import refusal
from services.coupon.settings import CouponSettings
from services.coupon.templates.cache import Snapshot, TermsCache
from services.coupon.templates.lease_repository import LeasedTemplate
from services.coupon.templates.models import Template
from services.coupon.templates.supply import Supply, supply_of
from services.coupon.templates.validity import local_day, next_day, window
from services.coupon.wallet.new_coupons import Lot
from services.coupon.wallet.rules import closed, reminder
from services.coupon.wishes import Wish
from shared.db import Transaction
from shared.web import Problem
from shared.web.schemas import rfc3339


class Admission:
    """Reads the terms of offers, and asks who a customer is. Locks nothing, writes nothing."""

    def __init__(self, settings: CouponSettings, terms_cache: TermsCache, audience: Audience) -> None:
        self._audience = audience
        self._terms_cache = terms_cache
        self._time_zone = settings.time_zone
        self._remind_days_before = settings.remind_days_before

    async def lots(self, tx: Transaction, rows: Iterable[Template | LeasedTemplate], now: datetime) -> dict[str, Lot]:
        """What coupons of these offers would share if they were given now, by id."""
        by_id = {row.id: row for row in rows}
        snapshots = await self._terms_cache.load(tx, [(row.id, row.terms_version) for row in by_id.values()])
        return {key: self._lot(row, snapshots[row.id, row.terms_version], now) for key, row in by_id.items()}

    def _lot(self, row: Template | LeasedTemplate, snapshot: Snapshot, now: datetime) -> Lot:
        validity = snapshot.terms.validity
        starts, ends = window(validity, now)
        day = None if row.per_day is None else local_day(now, self._zone(snapshot))
        days_before = validity.remind_days_before
        days_before = self._remind_days_before if days_before is None else days_before
        return Lot(row, snapshot, day, now, starts, ends, reminder(ends, days_before, now))

    async def closed(
        self, tx: Transaction, lots: Mapping[str, Lot], wishes: Mapping[int, Wish], now: datetime
    ) -> dict[int, Problem]:
        """What speaks against the wishes, by their index; those that nothing but a limit may speak against are left out."""
        customers = sorted({wish.customer_id for wish in wishes.values()})
        scopes = [lot.snapshot.terms.scope for lot in lots.values()]
        known = await self._audience.facts(tx, scopes, customers, now)
        found = {}
        for index, wish in wishes.items():
            lot = lots.get(wish.template_id)
            there = lot is not None and wish.finds(lot.row.owner_id)
            problem = _closed(lot, wish, known[wish.customer_id], now) if lot and there else refusal("not_found")
            if problem is not None:
                found[index] = problem
        return found

    def limited(self, lot: Lot, code: str) -> Problem:
        """The refusal of that code, which the rules decided on."""
        if code == "day_limit_reached":
            return refusal(code, retry_at=rfc3339(next_day(lot.now, self._zone(lot.snapshot))))
        return refusal(code)

    def _zone(self, snapshot: Snapshot) -> str:
        return snapshot.terms.validity.time_zone or self._time_zone


def supply_left(lot: Lot, counted: Mapping[tuple[str, str], int]) -> Supply:
    """What is left of an offer, or of its lease, when so many were `counted` by offer and day."""
    row = lot.row
    if isinstance(
        row, LeasedTemplate
    ):  # each coupon of a lease is one of the total, of the day and of the budget already
        return Supply(total=row.unused, day=None, budget=None, per_customer=row.per_customer, cost=0)
    return supply_of(row, counted.get((row.id, lot.day or ""), 0), lot.cost)


def _closed(lot: Lot, wish: Wish, known: Facts, now: datetime) -> Problem | None:
    code = closed(lot.row.status, lot.snapshot.terms.validity, wish.source, now)
    if code == "not_started":
        return refusal(code, starts_at=rfc3339(lot.starts))
    if code is not None:
        return refusal(code)
    unfit = not_for(lot.snapshot.terms.scope, known, now)
    return None if unfit is None else refusal(unfit)
