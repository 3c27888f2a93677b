"""The shop window 橱窗: offers as every shopper may see them, be it with a key that every visitor holds.

What is paused, ended or not for the claim centre does not seem to exist.
"""

from collections.abc import Sequence
from datetime import datetime

from services.coupon.templates import lease_repository, repository
from services.coupon.templates.cache import Snapshot, TermsCache
from services.coupon.templates.lease_repository import NOTHING, Leased
from services.coupon.templates.models import Template
from services.coupon.templates.problems import unknown_offer
from services.coupon.templates.schemas import ShownTemplate, SummaryView
from services.coupon.templates.summary import summarise
from services.coupon.templates.supply import Supply, cost_of, supply_of
from services.coupon.templates.validity import local_day
from shared.db import Transaction
from shared.service import Kit
from shared.web import Caller, Page, Paging


class ShopWindow:
    """Shows the claim centre's offers to nobody in particular."""

    def __init__(self, kit: Kit, cache: TermsCache, time_zone: str) -> None:
        self._kit = kit
        self._cache = cache
        self._time_zone = time_zone

    async def page(
        self, paging: Paging, status: str | None, name: str | None, currency: str | None
    ) -> Page[ShownTemplate]:
        """Newest first. All are active: of another `status` there are none."""
        if status not in (None, "active"):
            return Page[ShownTemplate](data=[], has_more=False)
        now = self._kit.clock.now()
        async with self._kit.db.read() as tx:
            rows = await repository.page_in_centre(tx, paging, name, currency, now)
            shown = await self._shown(tx, rows.data, now)
        return Page[ShownTemplate](data=shown, has_more=rows.has_more, next_cursor=rows.next_cursor)

    async def read(self, caller: Caller, template_id: str) -> ShownTemplate:
        """One of them. Raises NotFound, for one that is hidden as for one that never was."""
        now = self._kit.clock.now()
        async with self._kit.db.read() as tx:
            row = await repository.find_in_centre(tx, caller, template_id, now)
            if row is None:
                raise unknown_offer("coupon template")
            return (await self._shown(tx, [row], now))[0]

    async def _shown(self, tx: Transaction, rows: Sequence[Template], now: datetime) -> list[ShownTemplate]:
        snapshots = await self._cache.load(tx, [(row.id, row.terms_version) for row in rows])
        terms = {row.id: snapshots[row.id, row.terms_version] for row in rows}
        leased = await lease_repository.unused(tx, [row.id for row in rows])
        days = {row.id: self._today(terms[row.id], now) for row in rows if row.per_day is not None}
        counted = await repository.days(tx, list(days.items()))
        return [
            _view(
                row,
                terms[row.id],
                _left(row, terms[row.id], counted.get((row.id, days.get(row.id, "")), 0), leased),
                now,
            )
            for row in rows
        ]

    def _today(self, snapshot: Snapshot, now: datetime) -> str:
        return local_day(now, snapshot.terms.validity.time_zone or self._time_zone)


def _left(row: Template, snapshot: Snapshot, today: int, leased: dict[str, Leased]) -> Supply:
    """What processes hold of an offer is there to be had."""
    supply = supply_of(row, today, cost_of(row, snapshot.worst_case))
    supply.give(leased.get(row.id, NOTHING).unused, supply.cost, today=True)
    return supply


def _view(row: Template, snapshot: Snapshot, supply: Supply, now: datetime) -> ShownTemplate:
    terms = snapshot.terms
    waits = terms.validity.from_ is not None and now < terms.validity.from_
    return ShownTemplate(
        id=row.id,
        name=row.name,
        summary=SummaryView.model_validate(summarise(terms, row.currency)),
        currency=row.currency,
        benefit=terms.benefit,
        threshold=terms.threshold,
        scope=terms.scope,
        members_only=bool(terms.scope.segments or terms.scope.tiers),
        validity=terms.validity,
        per_customer=row.per_customer,
        state="not_started" if waits else "gone" if supply.refusal() else "claimable",
    )
