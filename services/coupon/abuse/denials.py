"""Use cases of the deny lists 黑名单: put on, read, take off."""

from datetime import datetime
from ipaddress import ip_network

from services.coupon.abuse import repository
from services.coupon.abuse.cache import ControlsCache
from services.coupon.abuse.fingerprints import Fingerprints
from services.coupon.abuse.models import Denial
from services.coupon.abuse.schemas import DenialIn, DenialView
from services.coupon.abuse.views import denial_view
from shared.db import Transaction
from shared.ids import new_id
from shared.service import Kit
from shared.web import Caller, Conflict, NotFound, Page, Paging, invalid
from shared.web.ends import refuse_passed


class Denials:
    """Who gets nothing. Every process keeps the lists within a second; personal values are stored as keyed hashes."""

    def __init__(self, kit: Kit, cache: ControlsCache, fingerprints: Fingerprints) -> None:
        self._kit = kit
        self._cache = cache
        self._fingerprints = fingerprints

    async def create(self, caller: Caller, body: DenialIn) -> DenialView:
        """Raises Conflict when the value is on the list already."""
        refuse_passed("#/until", body.until, self._kit.clock.now(), "Give a later one, or leave it out for no end.")
        value = self.stored(body.subject, body.value)
        async with self._kit.db.write() as tx:
            row, added = await self.deny(tx, caller, body.subject, value, body.reason, body.until)
            if not added:
                detail = "This value is on the list already. Take its entry off first to change it."
                raise Conflict("already_denied", detail, denial_id=row.id)
            return denial_view(row)

    async def deny(
        self, tx: Transaction, caller: Caller, subject: str, value: str, reason: str, until: datetime | None
    ) -> tuple[Denial, bool]:
        """Put a stored value on the list: its entry, and whether it is new. One whose time is over makes way."""
        now = self._kit.clock.now()
        row = {
            "id": new_id("dny"),
            "subject": subject,
            "value": value,
            "reason": reason,
            "until": until,
            "created_by": caller.key_id,
            "created_at": now,
        }
        entry = await repository.insert_denial(tx, row, now)
        await self._cache.changed(tx)
        return entry

    async def page(self, paging: Paging, subject: str | None, value: str | None) -> Page[DenialView]:
        """Newest first; `value` as it was sent, with its `subject`."""
        stored = None if value is None else self.stored(subject or "customer", value)
        async with self._kit.db.read() as tx:
            return await repository.page_denials(tx, paging, subject, stored)

    async def read(self, denial_id: str) -> DenialView:
        """One entry. Raises NotFound."""
        async with self._kit.db.read() as tx:
            row = await repository.find_denial(tx, denial_id)
        if row is None:
            raise _unknown()
        return denial_view(row)

    async def remove(self, denial_id: str) -> None:
        """Raises NotFound, also the second time."""
        async with self._kit.db.write() as tx:
            if not await repository.delete_denial(tx, denial_id):
                raise _unknown()
            await self._cache.changed(tx)

    def stored(self, subject: str, value: str) -> str:
        """What is kept of a value: a customer's id and a network as they are, devices and addresses as hashes."""
        if subject == "customer":
            return value
        if subject == "network":
            try:
                return str(ip_network(value, strict=False))
            except ValueError:
                raise invalid("?value", "no_network", "value must be a network such as 203.0.113.0/24.") from None
        return self._fingerprints.of(subject, value)


def _unknown() -> NotFound:
    return NotFound("not_found", "There is no entry of the deny list with this id.")
