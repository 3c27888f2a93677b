"""The identities of the ledger as queries that answer the rows which break them."""

from typing import Any, Final

from sqlalchemy import Select, and_, case, func, literal, or_, select, union_all

from services.inventory.audit.reservation_checks import RESERVATION_CHECKS
from services.inventory.ledger.models import StockDue, StockLevel, StockMovement
from services.inventory.ledger.rules import COUNTERS, ON_HAND
from services.inventory.locations.models import Location
from services.inventory.signals.models import SkuSignal
from shared.audit import Check


def _on_hand() -> Select[Any]:
    total = sum((StockLevel.c[counter] for counter in ON_HAND[1:]), StockLevel.c[ON_HAND[0]])
    negative = or_(*(StockLevel.c[counter] < 0 for counter in COUNTERS))
    columns = [
        StockLevel.c.sku,
        StockLevel.c.location_id,
        StockLevel.c.on_hand,
        *(StockLevel.c[counter] for counter in COUNTERS),
    ]
    return select(*columns).where(or_(StockLevel.c.on_hand != total, negative))


def _ledger() -> Select[Any]:
    """Levels beside the replay of all movements; a movement without a level has no counters."""
    signed = union_all(
        *(
            select(
                StockMovement.c.sku,
                StockMovement.c.location_id,
                *(
                    func.sum(case((state == counter, StockMovement.c.quantity * sign), else_=0)).label(counter)
                    for counter in COUNTERS
                ),
            ).group_by(StockMovement.c.sku, StockMovement.c.location_id)
            for state, sign in ((StockMovement.c.to_state, 1), (StockMovement.c.from_state, -1))
        ),
        select(
            StockLevel.c.sku,
            StockLevel.c.location_id,
            *((-StockLevel.c[counter]).label(counter) for counter in COUNTERS),
        ),
    ).subquery()
    sums = [func.sum(signed.c[counter]) for counter in COUNTERS]
    known = (
        select(literal(1))
        .where(StockLevel.c.sku == signed.c.sku, StockLevel.c.location_id == signed.c.location_id)
        .exists()
    )
    columns = [total.label(counter) for counter, total in zip(COUNTERS, sums, strict=True)]
    return (
        select(signed.c.sku, signed.c.location_id, *columns)
        .group_by(signed.c.sku, signed.c.location_id)
        .having(or_(*(total != 0 for total in sums), func.max(case((known, 1), else_=0)) == 0))
    )


def _signals() -> Select[Any]:
    """SKUs that nobody waits to look at, of which the world was told sold out though there are units for sale, or was not."""
    sells = and_(Location.c.active, Location.c.can_ship)
    units = func.sum(case((sells, StockLevel.c.available + StockLevel.c.held), else_=0)).label("units")
    sums = (
        select(StockLevel.c.sku, units)
        .join(Location.table, Location.c.id == StockLevel.c.location_id)
        .group_by(StockLevel.c.sku)
        .subquery()
    )
    waits = select(literal(1)).where(StockDue.c.sku == sums.c.sku).exists()
    word = SkuSignal.c.word
    wrong = or_(
        and_(word == "sold_out", sums.c.units != 0),
        and_(word.in_(("low", "plenty")), sums.c.units == 0),
        and_(func.coalesce(word, "new") == "new", sums.c.units != 0),
    )
    joined = sums.outerjoin(SkuSignal.table, SkuSignal.c.sku == sums.c.sku)
    return select(sums.c.sku, sums.c.units, word).select_from(joined).where(wrong, ~waits)


CHECKS: Final = (
    Check(
        "on_hand_is_the_sum",
        "on_hand = available + held + committed + safety + quality_control + damaged in every row, nothing below zero",
        _on_hand(),
    ),
    Check("levels_are_the_ledger", "the sum of all movements gives every level, state by state", _ledger()),
    *RESERVATION_CHECKS,
    Check(
        "signals_are_true",
        "a SKU of which sold out was told has no unit for sale anywhere, every other known one has some",
        _signals(),
    ),
)
