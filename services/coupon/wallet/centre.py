"""The claim centre 领券中心: every public offer as one customer sees it, with what they may still take and why not."""

from collections.abc import Sequence

from services.coupon.refusals import refusal
from services.coupon.templates import repository as templates
from services.coupon.templates.models import Template
from services.coupon.wallet.outlook import Outlook, Outlooks
from services.coupon.wallet.rules import State, state_of, taken_percent
from services.coupon.wallet.schemas import CentreOffer, CentrePage, RefusalView
from shared.db import Transaction
from shared.service import Kit
from shared.web import Caller, Paging, Problem, invalid

_WINDOW = 100
_MOST_WINDOWS = 5
"""Offers that are looked at for one page: a filter that lets few through ends a page early, and its cursor goes on."""


class ClaimCentre:
    """Lists offers; decides nothing. A claim decides again."""

    def __init__(self, kit: Kit, outlooks: Outlooks) -> None:
        self._kit = kit
        self._outlooks = outlooks

    async def page(
        self, caller: Caller, paging: Paging, customer_id: str | None, channel: str | None, state: State | None
    ) -> CentrePage:
        """Active public offers, newest first; those for other channels than `channel` are left out."""
        customer_id = customer_id or caller.customer_id
        if customer_id is None:
            raise invalid("?customer_id", "missing", "Say whose claim centre it is: ?customer_id=…")
        caller.require_customer(customer_id)
        found: list[CentreOffer] = []
        after, more = paging.after, True
        async with self._kit.db.read() as tx:
            for _ in range(_MOST_WINDOWS):
                rows = await templates.next_in_centre(tx, caller, self._kit.clock.now(), after, _WINDOW)
                offers = await self._offers(tx, rows, customer_id, channel)
                for row in rows:
                    offer = offers.get(row.id)
                    if offer is not None and (state is None or offer.state == state):
                        if len(found) == paging.limit:
                            return self._page(found, paging.cursor(after))
                        found.append(offer)
                    after = row.id
                more = len(rows) == _WINDOW
                if not more:
                    break
        return self._page(found, paging.cursor(after) if more else None)

    def _page(self, offers: list[CentreOffer], cursor: str | None) -> CentrePage:
        now = self._kit.clock.now()
        return CentrePage(data=offers, has_more=cursor is not None, next_cursor=cursor, server_time=now)

    async def _offers(
        self, tx: Transaction, rows: Sequence[Template], customer_id: str, channel: str | None
    ) -> dict[str, CentreOffer]:
        """The offers on this channel, by id; what ended by its terms is left out."""
        if not rows:
            return {}
        seen = await self._outlooks.of(tx, rows, customer_id, "claim")
        return {key: _offer(one) for key, one in seen.items() if _shown(one, channel)}


def _shown(one: Outlook, channel: str | None) -> bool:
    channels = one.lot.snapshot.terms.scope.channels
    here = channel is None or not channels or channel in channels
    return here and (one.refused is None or one.refused.code != "ended")


def _offer(one: Outlook) -> CentreOffer:
    row, terms = one.offer, one.lot.snapshot.terms
    state = state_of(one.refused.code if one.refused else None, one.held, row.per_customer)
    limits = [one.supply.most(), None if row.per_customer is None else row.per_customer - one.held]
    known = [max(limit, 0) for limit in limits if limit is not None]
    may = (min(known) if known else None) if state == "claimable" else 0
    left = one.supply.total
    return CentreOffer(
        template_id=row.id,
        name=row.name,
        currency=row.currency,
        benefit=one.lot.snapshot.benefit,
        threshold=one.lot.snapshot.threshold,
        state=state,
        reason=_reason(refusal("claim_limit_reached") if state == "claimed" else one.refused),
        total=row.total,
        remaining=left,
        taken_percent=None if row.total is None or left is None else taken_percent(row.total, left),
        held=one.held,
        may_claim=may,
        starts_at=terms.validity.from_,
        ends_at=terms.validity.until,
        days_after_claim=terms.validity.days_after_claim,
    )


def _reason(problem: Problem | None) -> RefusalView | None:
    if problem is None:
        return None
    return RefusalView(code=problem.code, detail=problem.detail, detail_zh=problem.members["detail_zh"])
