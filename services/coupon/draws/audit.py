"""The proof of a draw: every ticket drawn again from the seed."""

import asyncio
from collections.abc import Sequence

from services.coupon.draws import repository
from services.coupon.draws.management import unknown_draw
from services.coupon.draws.models import Draw, DrawPrize, DrawTicket
from services.coupon.draws.rules import Replay, seed_hash
from services.coupon.draws.schemas import DrawAuditView, Mismatch
from shared.db import Use, as_dict, used_for
from shared.service import Kit
from shared.web import Caller
from shared.web.lanes import Lane

_ROWS = 2_000
_SHOWN = 100


class DrawAudit:
    """Recomputes draws."""

    def __init__(self, kit: Kit) -> None:
        self._kit = kit
        self._lane = Lane(at_once=1, waiting=8)

    async def prove(self, caller: Caller, draw_id: str) -> DrawAuditView:
        """All tickets up to the draw's counter. While the draw is open its outcomes can't be proven without telling the seed."""
        async with self._lane.turn():
            with used_for(Use.LONG):
                return await self._prove(caller, draw_id)

    async def _prove(self, caller: Caller, draw_id: str) -> DrawAuditView:
        async with self._kit.db.read() as tx:
            draw = await repository.find(tx, caller, draw_id)
            if draw is None:
                raise unknown_draw()
            prizes = (await repository.prizes(tx, [draw_id]))[draw_id]
        seed = draw.seed if draw.status == "closed" else None
        replay = Replay(draw_id, seed, draw.seed_hash, prizes)
        found = [Mismatch(number=0, detail="the seed is not the one that was promised")]
        found = found if seed_hash(draw.seed) != draw.seed_hash else []
        while replay.number < draw.tickets:
            async with self._kit.db.read() as tx:
                rows = await repository.whole_tickets(tx, draw_id, replay.number, draw.tickets, _ROWS)
            found += await asyncio.to_thread(_mismatches, replay, rows)
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


def _mismatches(replay: Replay, rows: Sequence[DrawTicket]) -> list[Mismatch]:
    return [Mismatch(number=row.number, detail=fault) for row in rows for fault in replay.faults(as_dict(row))]


def _wrong_counters(draw: Draw, prizes: Sequence[DrawPrize], replay: Replay) -> list[Mismatch]:
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
