"""Turns each public event into one delivery for every endpoint that asked for it; for one that is disabled it is held."""

import asyncio
from collections.abc import Mapping, Sequence, Set
from weakref import WeakKeyDictionary

from pydantic_core import to_json

from gateway.webhooks_out import repository
from gateway.webhooks_out.repository import Listener
from gateway.webhooks_out.rules import concerns, hears
from shared.contracts import REGISTRY, Envelope, Event, public_names
from shared.db import Transaction
from shared.ids import new_id
from shared.messaging import Subscription
from shared.service import Kit
from shared.web.schemas import rfc3339


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
        if told:
            body = {"type": envelope.name, "timestamp": rfc3339(envelope.occurred_at), "data": envelope.payload}
            endpoints = {row.id: row.served for row in told}
            await self.deliver(tx, envelope.id, envelope.name, to_json(body), endpoints)

    async def _endpoints(self, tx: Transaction) -> Sequence[Listener]:
        endpoints = self._listening.get(tx)
        if endpoints is None:
            endpoints = self._listening[tx] = await repository.listeners(tx, self._clock.now())
        return endpoints

    async def deliver(
        self, tx: Transaction, event_id: str, event_type: str, body: bytes, endpoints: Mapping[str, bool]
    ) -> list[str]:
        """Store the bytes to be sent and a delivery for each endpoint; answers the deliveries' ids.

        `endpoints` says of each id whether it is served now.
        """
        now = self._clock.now()
        await repository.insert_event(tx, {"id": event_id, "type": event_type, "body": body, "created_at": now})
        rows = [
            {
                "id": new_id("whd"),
                "endpoint_id": endpoint_id,
                "event_id": event_id,
                "event_type": event_type,
                "status": "pending" if served else "held",
                "attempts": 0,
                "round": 0,
                "next_attempt_at": now if served else None,
                "created_at": now,
                "finished_at": None if served else now,
            }
            for endpoint_id, served in endpoints.items()
        ]
        await repository.insert_deliveries(tx, rows)
        tx.after_commit(self.wake)
        return [str(row["id"]) for row in rows]
