"""The proof of a draw: every ticket drawn again from the seed."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, select

from services.coupon.draws import repository
from services.coupon.draws.managing import unknown_draw
from services.coupon.draws.models import DrawTicket
from services.coupon.draws.rules import Replay, seed_hash
from services.coupon.draws.schemas import DrawAuditView, Mismatch
from shared.db import Transaction
from shared.service import Kit

_ROWS = 2_000
_SHOWN = 100


class Proving:
    """Recomputes draws."""

    def __init__(self, kit: Kit) -> None:
        self._kit = kit

    async def prove(self, draw_id: str) -> DrawAuditView:
        """All tickets up to the draw's counter. While the draw is open its outcomes can't be proven without telling the seed."""
        async with self._kit.db.read() as tx:
            draw = await repository.draw(tx, draw_id)
            if draw is None:
                raise unknown_draw()
            prizes = (await repository.prizes(tx, [draw_id]))[draw_id]
        seed = draw.seed if draw.status == "closed" else None
        replay = Replay(draw_id, seed, draw.seed_hash, prizes)
        found = [Mismatch(number=0, detail="the seed is not the one that was promised")]
        found = found if seed_hash(draw.seed) != draw.seed_hash else []
        while replay.number < draw.tickets:
            async with self._kit.db.read() as tx:
                rows = await _after(tx, draw_id, replay.number, draw.tickets)
            for row in rows:
                found += [Mismatch(number=row.number, detail=fault) for fault in replay.faults(row._asdict())]
            if not rows:
                break
        found += _wrong_counters(draw, prizes, replay)
        return DrawAuditView(
            ok=not found,
            algorithm=draw.algorithm,
            seed_hash=draw.seed_hash,
            seed=seed,
            outcomes=seed is not None,
            tickets=replay.number,
            mismatches=found[:_SHOWN],
        )


async def _after(tx: Transaction, draw_id: str, last: int, most: int) -> Sequence[Row[Any]]:
    chosen = select(DrawTicket.table).where(
        DrawTicket.c.draw_id == draw_id, DrawTicket.c.number > last, DrawTicket.c.number <= most
    )
    return (await tx.execute(chosen.order_by(DrawTicket.c.number).limit(_ROWS))).all()


def _wrong_counters(draw: Row[Any], prizes: Sequence[Row[Any]], replay: Replay) -> list[Mismatch]:
    found = []
    if replay.number != draw.tickets or replay.chain != draw.chain:
        detail = f"the draw counts {draw.tickets} tickets; the last one found is {replay.number} or has another hash"
        found.append(Mismatch(number=0, detail=detail))
    for prize in prizes:
        # Read before the tickets: of an open draw there may be more by now, never fewer.
        if prize.awarded != replay.awarded[prize.place] and draw.status == "closed":
            detail = f"{prize.name} counts {prize.awarded}, its tickets are {replay.awarded[prize.place]}"
            found.append(Mismatch(number=0, detail=detail))
    return found
