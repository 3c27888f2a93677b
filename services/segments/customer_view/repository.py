"""The SQL of lists of people."""

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import select

from services.segments.customer_view.schemas import ProfileRow
from services.segments.profiles.models import Identifier, Profile
from shared.db import Transaction
from shared.web import Page, Paging, filtered, page_of


class _Listed(NamedTuple):
    uid: int
    id: str
    customer_id: str | None
    created_at: datetime


async def page(tx: Transaction, paging: Paging, customer_id: str | None, identifier: str | None) -> Page[ProfileRow]:
    """Live profiles, newest first; only the customer's own, or only whom the identifier names, where one is given."""
    columns = (Profile.c.uid, Profile.c.id, Profile.c.customer_id, Profile.c.created_at)
    chosen = filtered(select(*columns).where(Profile.c.status == "live"), {Profile.c.customer_id: customer_id})
    if identifier is not None:
        named = select(Identifier.c.uid).where(Identifier.c.key == identifier)
        chosen = chosen.where(Profile.c.uid.in_(named))
    return await page_of(tx, _Listed, chosen, Profile.c.uid, paging, ProfileRow.model_validate)
