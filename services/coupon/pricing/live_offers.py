"""The live offers that a new one may meet on an order."""

from asyncio import to_thread
from datetime import datetime

from services.coupon.pricing.occasions import LiveOffer
from services.coupon.pricing.stacks import stack_fault
from services.coupon.templates import repository
from services.coupon.templates.cache import TermsCache
from services.coupon.templates.rules import Fault, Proposal
from shared.db import Transaction
from shared.web import Caller

MOST_LIVE = 500
"""Newest first, of each kind."""
_NEW = "~"
"""For an offer without an id: ids of later ones sort behind."""


async def live_offers(
    tx: Transaction, cache: TermsCache, caller: Caller, currency: str, now: datetime, but: str | None = None
) -> list[LiveOffer]:
    """The active offers of both kinds that exist for the caller, without the offer `but`."""
    rows = [
        *await repository.running(tx, caller, "coupon", currency, now, MOST_LIVE),
        *await repository.running(tx, caller, "promotion", currency, now, MOST_LIVE),
    ]
    terms = await cache.load(tx, {(row.id, row.terms_version) for row in rows})
    return [
        LiveOffer(row.id, row.name, terms[row.id, row.terms_version].terms, row.kind == "promotion")
        for row in rows
        if row.id != but
    ]


async def check_stack(tx: Transaction, cache: TermsCache, offer: Proposal, now: datetime) -> Fault | None:
    """What speaks against the offer beside the live ones; None when nothing does."""
    live = await live_offers(tx, cache, offer.caller, offer.currency, now, offer.id)
    new = LiveOffer(offer.id or _NEW, offer.name, offer.terms, offer.kind == "promotion")
    # Tens of milliseconds at worst: not while everybody else waits.
    return await to_thread(stack_fault, new, live, now, offer.currency)
