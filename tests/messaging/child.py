"""A process of its own for the tests that kill one: `python -m messaging.child '{"place": …, "role": …}'`.

Roles: `tell` writes events and relays them, `consume` handles them and dies of SIGKILL between the commit of its handler
and the acknowledgement.
"""

import asyncio
import json
import os
import signal
import sys
from typing import Any

from messaging.arrangement import Place
from messaging.probe import FIRST, create_probe, low, record, subscription, tell

from shared.contracts import Envelope, StockLow
from shared.db import Transaction


async def tell_many(place: Place, options: dict[str, Any]) -> None:
    """Writes `count` events, ten to a transaction, while its relay sends them; then goes on relaying until killed."""
    bus = place.bus()
    await bus.start()
    async with create_probe(place.settings(), bus).running() as service:
        for start in range(0, options["count"], 10):
            await tell(service, *(low(f"sku-{number}") for number in range(start, start + 10)))
        await asyncio.sleep(3600)


async def consume_and_die(place: Place, options: dict[str, Any]) -> None:
    def die() -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    async def handle(tx: Transaction, event: StockLow, envelope: Envelope) -> None:
        await record(tx, FIRST, envelope)
        tx.after_commit(die)

    bus = place.bus()
    await bus.start()
    async with create_probe(place.settings(), bus, subscriptions=[subscription(FIRST, handle)]).running():
        await asyncio.sleep(3600)


if __name__ == "__main__":
    call = json.loads(sys.argv[1])
    roles = {"tell": tell_many, "consume": consume_and_die}
    asyncio.run(roles[call["role"]](Place(**call["place"]), call))
