"""The live offers that a new one may meet on an order."""

from datetime import datetime

from services.coupon.pricing.stacks import LiveOffer, stack_fault
from services.coupon.templates import repository
from services.coupon.templates.cache import TermsCache
from services.coupon.templates.rules import Fault, Proposal
from shared.db import Transaction

MOST_LIVE = 500
"""Newest first, of each kind."""


async def live_offers(
    tx: Transaction, cache: TermsCache, currency: str, now: datetime, but: str | None = None
) -> list[LiveOffer]:
    """The active offers of both kinds, without the offer `but`."""
    rows = [
        *await repository.running(tx, "coupon", currency, now, MOST_LIVE),
        *await repository.running(tx, "promotion", currency, now, MOST_LIVE),
    ]
    terms = await cache.load(tx, {(row.id, row.terms_version) for row in rows})
    return [
        LiveOffer(row.id, row.name, terms[row.id, row.terms_version].terms, row.kind == "promotion")
        for row in rows
        if row.id != but
    ]


async def check_stack(tx: Transaction, cache: TermsCache, offer: Proposal, now: datetime) -> Fault | None:
    """What speaks against the offer beside the live ones; None when nothing does."""
    return stack_fault(offer.terms, offer.kind, await live_offers(tx, cache, offer.currency, now, offer.id))
