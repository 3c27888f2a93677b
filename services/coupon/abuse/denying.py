"""Use cases of the deny lists 黑名单: put on, read, take off."""

from datetime import datetime
from ipaddress import ip_network
from typing import Any

from sqlalchemy import Row, delete, select

from services.coupon.abuse.book import Watch
from services.coupon.abuse.fingerprints import Fingerprints
from services.coupon.abuse.models import Denial
from services.coupon.abuse.schemas import DenialIn, DenialView
from shared.db import Transaction, insert_ignore
from shared.ids import new_id
from shared.service import Kit
from shared.web import Caller, Conflict, NotFound, Page, Paging, fetch_page, invalid


class Denials:
    """Who gets nothing. Every process keeps the lists within a second; personal values are stored as keyed hashes."""

    def __init__(self, kit: Kit, watch: Watch, fingerprints: Fingerprints) -> None:
        self._kit = kit
        self._watch = watch
        self._fingerprints = fingerprints

    async def create(self, caller: Caller, body: DenialIn) -> DenialView:
        """Raises Conflict when the value is on the list already."""
        if body.until is not None and body.until <= self._kit.clock.now():
            raise invalid("#/until", "in_the_past", "until must lie in the future; leave it out for no end.")
        value = self.stored(body.subject, body.value)
        async with self._kit.db.write() as tx:
            row, added = await self.deny(tx, caller, body.subject, value, body.reason, body.until)
            if not added:
                detail = "This value is on the list already. Take its entry off first to change it."
                raise Conflict("already_denied", detail, denial_id=row.id)
            return DenialView.model_validate(row)

    async def deny(
        self, tx: Transaction, caller: Caller, subject: str, value: str, reason: str, until: datetime | None
    ) -> tuple[Row[Any], bool]:
        """Put a stored value on the list: its entry, and whether it is new. One whose time is over makes way."""
        now = self._kit.clock.now()
        mine = (Denial.c.subject == subject) & (Denial.c.value == value)
        await tx.execute(delete(Denial.table).where(mine, Denial.c.until <= now))
        row = {
            "id": new_id("dny"),
            "subject": subject,
            "value": value,
            "reason": reason,
            "until": until,
            "created_by": caller.key_id,
            "created_at": now,
        }
        added = bool(await insert_ignore(tx, Denial.table, [row]))
        await self._watch.changed(tx)
        return (await tx.execute(select(Denial.table).where(mine))).one(), added

    async def page(self, paging: Paging, subject: str | None, value: str | None) -> Page[DenialView]:
        """Newest first; `value` as it was sent, with its `subject`."""
        chosen = select(Denial.table)
        if subject is not None:
            chosen = chosen.where(Denial.c.subject == subject)
        if value is not None:
            chosen = chosen.where(Denial.c.value == self.stored(subject or "customer", value))
        async with self._kit.db.read() as tx:
            return await fetch_page(tx, chosen, Denial.c.id, paging, DenialView.model_validate)

    async def get(self, denial_id: str) -> DenialView:
        async with self._kit.db.read() as tx:
            row = (await tx.execute(select(Denial.table).where(Denial.c.id == denial_id))).one_or_none()
        if row is None:
            raise _unknown()
        return DenialView.model_validate(row)

    async def drop(self, denial_id: str) -> None:
        """Raises NotFound, also the second time."""
        async with self._kit.db.write() as tx:
            if not (await tx.execute(delete(Denial.table).where(Denial.c.id == denial_id))).rowcount:
                raise _unknown()
            await self._watch.changed(tx)

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
