"""Rules and deny lists as every claim needs them: in memory, read again within a second of any change by any process.

A claim asks memory only, so an installation without rules and lists pays nothing for them.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Any

from sqlalchemy import Row, select

from services.coupon.abuse.fingerprints import Fingerprints
from services.coupon.abuse.models import AbuseVersion, Denial, VelocityRule
from services.coupon.refusals import refusal
from services.coupon.wishes import Origin
from shared.db import Transaction, upsert
from shared.service import Kit
from shared.web import Client, Problem


@dataclass(frozen=True)
class Book:
    """One version of all rules and lists. `denied` and `networks` tell until when; None = for good."""

    version: int = -1
    rules: tuple[Row[Any], ...] = ()
    denied: Mapping[tuple[str, str], datetime | None] = field(default_factory=dict)
    networks: tuple[tuple[IPv4Network | IPv6Network, datetime | None], ...] = ()

    def denies(self, customer_id: str | None, origin: Origin, address: str | None, now: datetime) -> bool:
        """True when any of them is on a list."""
        keys = (("customer", customer_id), ("device", origin.device), ("address", origin.address))
        for subject, value in keys:
            if value is not None and (subject, value) in self.denied:
                until = self.denied[subject, value]
                if until is None or now < until:
                    return True
        if address is None or not self.networks:
            return False
        try:
            found = ip_address(address)
        except ValueError:
            return False
        return any(found in network and (until is None or now < until) for network, until in self.networks)


class Watch:
    """Keeps the book. A change of this process shows at once, one of another within a second."""

    def __init__(self, kit: Kit, fingerprints: Fingerprints) -> None:
        self._kit = kit
        self._fingerprints = fingerprints
        self._book = Book()
        self._reading = asyncio.Lock()
        self._changes, self._known = 1, 0  # changes made here, and up to which of them the book was read

    async def book(self, tx: Transaction | None = None) -> Book:
        """The book, with every change of this process in it. `tx`: the caller's transaction, where it has one open."""
        if self._known != self._changes:
            await self._refresh(tx)
        return self._book

    async def refresh(self) -> None:
        """Read rules and lists when their version is another (a loop calls this)."""
        await self._refresh(None)

    async def _refresh(self, tx: Transaction | None) -> None:
        async with self._reading:
            change = self._changes  # one that comes meanwhile asks for another look
            if tx is None:
                async with self._kit.db.read() as own:
                    await self._read(own)
            else:
                await self._read(tx)  # whoever holds a connection must not wait for another
            self._known = change

    async def _read(self, tx: Transaction) -> None:
        # The version first: what is written between the two looks is then read again the next time.
        version = await tx.scalar(select(AbuseVersion.c.version)) or 0
        if version == self._book.version:
            return
        rules = (await tx.execute(select(VelocityRule.table).order_by(VelocityRule.c.id))).all()
        denials = (await tx.execute(select(Denial.c.subject, Denial.c.value, Denial.c.until))).all()
        self._book = Book(
            version,
            tuple(rules),
            {(row.subject, row.value): row.until for row in denials if row.subject != "network"},
            tuple((ip_network(row.value), row.until) for row in denials if row.subject == "network"),
        )

    async def changed(self, tx: Transaction) -> None:
        """Tell everybody, once `tx` is committed, that rules or lists are others now."""
        await upsert(tx, AbuseVersion.table, [{"id": 1, "version": 1}], ["id"], {"version": AbuseVersion.c.version + 1})
        tx.after_commit(self._note_change)

    async def origin(self, client: Client, customer_id: str | None, denied: Problem | None = None) -> Origin:
        """Where a shopper's request comes from. Raises `denied` (default: not_eligible) for those on a deny list."""
        origin = self._fingerprints.origin(client)
        book = await self.book()
        address = None if client.server else client.address
        if (book.denied or book.networks) and book.denies(customer_id, origin, address, self._kit.clock.now()):
            raise denied or refusal("not_eligible:customer")
        return origin

    def _note_change(self) -> None:
        self._changes += 1
