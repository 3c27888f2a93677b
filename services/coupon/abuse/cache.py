"""Velocity rules and deny lists as every claim needs them: in memory, read again within a second of any change by any process.

A claim asks memory only, so an installation without rules and lists pays nothing for them.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

from services.coupon.abuse import repository
from services.coupon.abuse.fingerprints import Fingerprints
from services.coupon.abuse.models import VelocityRule
from services.coupon.refusals import refusal
from services.coupon.wishes import Origin
from shared.db import Transaction
from shared.service import Kit
from shared.web import Client, Problem


@dataclass(frozen=True)
class Controls:
    """One version of all rules and lists. `denied` and `networks` tell until when; None = for good."""

    version: int = -1
    rules: tuple[VelocityRule, ...] = ()
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


class ControlsCache:
    """Keeps the controls. A change of this process shows at once, one of another within a second."""

    def __init__(self, kit: Kit, fingerprints: Fingerprints) -> None:
        self._kit = kit
        self._fingerprints = fingerprints
        self._controls = Controls()
        self._loading = asyncio.Lock()
        self._changes, self._known = 1, 0  # changes made here, and up to which of them the controls were read

    async def current(self, tx: Transaction | None = None) -> Controls:
        """The controls, with every change of this process. `tx`: the caller's transaction, where it has one open."""
        if self._known != self._changes:
            await self._refresh(tx)
        return self._controls

    async def refresh(self) -> None:
        """Read rules and lists when their version is another (a loop calls this)."""
        await self._refresh(None)

    async def _refresh(self, tx: Transaction | None) -> None:
        """Whoever holds a connection waits neither for another nor for anybody who waits for one: first that, then the lock."""
        if tx is None:
            async with self._kit.db.read() as own:
                return await self._refresh(own)
        async with self._loading:
            change = self._changes  # one that comes meanwhile asks for another look
            await self._load(tx)
            self._known = change

    async def _load(self, tx: Transaction) -> None:
        # The version first: what is written between the two looks is then read again the next time.
        version = await repository.version(tx)
        if version == self._controls.version:
            return
        rules, denied = await repository.rules(tx), await repository.denied(tx)
        self._controls = Controls(
            version,
            tuple(rules),
            {(one.subject, one.value): one.until for one in denied if one.subject != "network"},
            tuple((ip_network(one.value), one.until) for one in denied if one.subject == "network"),
        )

    async def changed(self, tx: Transaction) -> None:
        """Tell everybody, once `tx` is committed, that rules or lists are others now."""
        await repository.count_version(tx)
        tx.after_commit(self._note_change)

    async def origin(self, client: Client, customer_id: str | None, denied: Problem | None = None) -> Origin:
        """Where a shopper's request comes from. Raises `denied` (default: not_eligible) for those on a deny list."""
        origin = self._fingerprints.origin(client)
        controls = await self.current()
        address = None if client.server else client.address
        if (controls.denied or controls.networks) and controls.denies(
            customer_id, origin, address, self._kit.clock.now()
        ):
            raise denied or refusal("not_eligible:customer")
        return origin

    def _note_change(self) -> None:
        self._changes += 1
