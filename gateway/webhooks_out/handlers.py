"""Turns each public event into one delivery for every endpoint that asked for it; for one that is disabled it is held."""

import asyncio
from collections.abc import Sequence, Set
from dataclasses import dataclass
from typing import Protocol
from weakref import WeakKeyDictionary

from pydantic_core import to_json

from gateway.webhooks_out import repository
from gateway.webhooks_out.filters import passes
from gateway.webhooks_out.repository import Listener
from gateway.webhooks_out.rules import concerns, hears
from shared.contracts import REGISTRY, Envelope, Event, public_names
from shared.db import Transaction
from shared.ids import new_id
from shared.messaging import Subscription
from shared.service import Kit
from shared.web.schemas import rfc3339


class Hearing(Protocol):
    """What is asked of an endpoint that a delivery is made for."""

    @property
    def id(self) -> str:
        """Which one."""

    @property
    def payload(self) -> str:
        """`full` or `thin`."""

    @property
    def served(self) -> bool:
        """It is sent to now; else the delivery is held."""


@dataclass(frozen=True, slots=True)
class Addressee:
    """An endpoint that is sent to, whatever it listens to."""

    id: str
    payload: str
    served: bool = True


class Fanout:
    """The consumer of every public event. `wake` tells the worker that there is something to send."""

    def __init__(self, kit: Kit, wake: asyncio.Event) -> None:
        self._clock = kit.clock
        self._woken = wake
        # Many messages share a transaction: the endpoints are read once for all of them.
        self._listening: WeakKeyDictionary[Transaction, Sequence[Listener]] = WeakKeyDictionary()

    def wake(self) -> None:
        """Have the worker look for what is due."""
        self._woken.set()

    def subscription(self) -> Subscription:
        """To every public event."""
        events = [REGISTRY[name] for name in public_names()]
        return Subscription(consumer="gateway.webhooks", events=events, handler=self.on_event, heard=self.heard)

    async def heard(self, tx: Transaction, names: Set[str]) -> set[str]:
        """The events that some endpoint listens to."""
        endpoints = await self._endpoints(tx)
        return {name for name in names if any(hears(row.events, row.scopes, name) for row in endpoints)}

    async def on_event(self, tx: Transaction, _event: Event, envelope: Envelope) -> None:
        """Store a delivery for each endpoint that listens to the event."""
        hearing = [row for row in await self._endpoints(tx) if hears(row.events, row.scopes, envelope.name)]
        told = [row for row in hearing if concerns(row.id, row.owner_id, envelope.name, envelope.payload)]
        told = [row for row in told if passes(row.conditions, envelope.payload)]
        if told:
            body = {"type": envelope.name, "timestamp": rfc3339(envelope.occurred_at), "data": envelope.payload}
            await self.deliver(tx, envelope.id, envelope.name, to_json(body), told)

    async def _endpoints(self, tx: Transaction) -> Sequence[Listener]:
        endpoints = self._listening.get(tx)
        if endpoints is None:
            endpoints = self._listening[tx] = await repository.listeners(tx, self._clock.now())
        return endpoints

    async def deliver(
        self, tx: Transaction, event_id: str, event_type: str, body: bytes, endpoints: Sequence[Hearing]
    ) -> list[str]:
        """Store the bytes to be sent and a delivery for each endpoint; answers the deliveries' ids."""
        now = self._clock.now()
        await repository.insert_event(tx, {"id": event_id, "type": event_type, "body": body, "created_at": now})
        rows = [
            {
                "id": new_id("whd"),
                "endpoint_id": to.id,
                "thin": to.payload == "thin",
                "event_id": event_id,
                "event_type": event_type,
                "status": "pending" if to.served else "held",
                "attempts": 0,
                "round": 0,
                "next_attempt_at": now if to.served else None,
                "created_at": now,
                "finished_at": None if to.served else now,
            }
            for to in endpoints
        ]
        await repository.insert_deliveries(tx, rows)
        tx.after_commit(self.wake)
        return [str(row["id"]) for row in rows]
