"""Looks at the SKUs whose units for sale have changed, and tells what became of them.

Not in the transaction that changes the units: the sum over all places is read once they are committed, so two places that sell
their last units at the same moment are seen together, and what goes to and fro within a round tells nobody anything.
"""

from collections.abc import Sequence
from typing import Final

from services.inventory.ledger.models import StockDue
from services.inventory.signals import repository, rules
from services.inventory.signals.rules import Place, Signal, Word
from shared.contracts.inventory import LocationUnits, SkuEvent, StockBackInStock, StockLow, StockSoldOut
from shared.db import Due, Transaction, sweep
from shared.loops import Loop
from shared.service import Kit

_BATCH: Final = 500
MOST_PLACES: Final = 200
"""That a message names, those with most units; each is some forty bytes, and a chain may have thousands."""
_TOLD: Final[dict[Signal, type[SkuEvent]]] = {
    "sold_out": StockSoldOut,
    "low": StockLow,
    "back_in_stock": StockBackInStock,
}


class SignalWorker:
    """``low_default``: the threshold in units of SKUs of which no place has one; ``seconds`` between two rounds."""

    def __init__(self, kit: Kit, low_default: int, seconds: float) -> None:
        self._kit = kit
        self._low_default = low_default
        self.loop = Loop("tell stock signals", self.tick, seconds)

    async def tick(self) -> bool | float:
        """One round; True when more may wait."""
        return await sweep(self._kit.db, StockDue, Due(repository.DUE), _BATCH, self._look)

    async def _look(self, tx: Transaction, due: Sequence[StockDue]) -> None:
        skus = sorted({row.sku for row in due})
        fell = {row.sku for row in due if row.fell}
        now = self._kit.clock.now()
        known = await repository.lock(tx, skus, now)
        places = await repository.places(tx, skus)
        changed: dict[str, Word] = {}
        events = []
        for sku in skus:
            units = sum(place.available + place.held for place in places[sku])
            threshold = rules.low_at(places[sku], self._low_default)
            told = rules.judged(known[sku], units, threshold, fell=sku in fell)
            if told.word != known[sku]:
                changed[sku] = told.word
            if told.signal:
                events.append(_event(_TOLD[told.signal], sku, places[sku]))
        await repository.keep(tx, changed, now)
        await repository.forget_due(tx, due)
        events.sort(key=lambda event: event.name)
        await self._kit.outbox.publish(tx, events, subject=lambda event: event.sku)


def _event(kind: type[SkuEvent], sku: str, places: Sequence[Place]) -> SkuEvent:
    shown = [place for place in places if place.available][:MOST_PLACES]
    return kind(
        sku=sku,
        available=sum(place.available for place in places),
        held=sum(place.held for place in places),
        by_location=tuple(LocationUnits(location_id=one.location_id, available=one.available) for one in shown),
    )
