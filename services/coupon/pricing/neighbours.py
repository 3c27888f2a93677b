"""The live offers that a new one may meet on an order."""

from datetime import datetime

from services.coupon.pricing.stacks import Live, stack_fault
from services.coupon.templates import repository
from services.coupon.templates.cache import TermsCache
from services.coupon.templates.rules import Fault, Proposal
from shared.db import Transaction

MOST_NEIGHBOURS = 500
"""Newest first, of each kind."""


async def neighbours(
    tx: Transaction, book: TermsCache, currency: str, now: datetime, but: str | None = None
) -> list[Live]:
    """The active offers of both kinds, without the offer `but`."""
    rows = [
        *await repository.running(tx, "coupon", currency, now, MOST_NEIGHBOURS),
        *await repository.running(tx, "promotion", currency, now, MOST_NEIGHBOURS),
    ]
    terms = await book.load(tx, {(row.id, row.terms_version) for row in rows})
    return [
        Live(row.id, row.name, terms[row.id, row.terms_version].terms, row.kind == "promotion")
        for row in rows
        if row.id != but
    ]


async def check_stack(tx: Transaction, book: TermsCache, offer: Proposal, now: datetime) -> Fault | None:
    """What speaks against the offer beside the live ones; None when nothing does."""
    return stack_fault(offer.terms, offer.kind, await neighbours(tx, book, offer.currency, now, offer.id))
