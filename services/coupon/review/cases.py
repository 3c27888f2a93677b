"""Cases: coupons that look wrong are gathered by subject until a person decides on them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import Row, select, update

from services.coupon.abuse.velocity import Excess
from services.coupon.review.models import AbuseCase, AbuseCaseCoupon
from services.coupon.review.rules import Finding, merged, over_velocity, score, told
from shared.db import Transaction, insert_ignore
from shared.ids import new_id
from shared.service import Kit

_QUIET = timedelta(days=1)
"""So long a cleared subject is left alone."""


@dataclass(frozen=True, slots=True)
class Suspect:
    """One coupon of a case."""

    coupon_id: str
    template_id: str
    customer_id: str


class Cases:
    """Opens cases and lets them grow."""

    def __init__(self, kit: Kit) -> None:
        self._kit = kit

    async def report(self, tx: Transaction, over: Excess) -> None:
        """A coupon was given over a velocity rule that asks for review."""
        suspect = Suspect(over.coupon_id, over.template_id, over.customer_id)
        await self.file(tx, over.subject, over.value, [over_velocity(over.rule_id)], [suspect])

    async def file(
        self, tx: Transaction, subject: str, value: str, found: Sequence[Finding], suspects: Sequence[Suspect]
    ) -> None:
        """Put the coupons into the subject's open case; a subject that was cleared lately gets none."""
        now = self._kit.clock.now()
        mine = (AbuseCase.c.subject == subject) & (AbuseCase.c.value == value)
        cleared = mine & (AbuseCase.c.status == "cleared") & (AbuseCase.c.decided_at > now - _QUIET)
        if (await tx.execute(select(AbuseCase.c.id).where(cleared).limit(1))).first() is not None:
            return
        case = await self._open(tx, subject, value)
        rows = [
            {
                "case_id": case.id,
                "coupon_id": one.coupon_id,
                "template_id": one.template_id,
                "customer_id": one.customer_id,
                "outcome": None,
            }
            for one in suspects
        ]
        added = await insert_ignore(tx, AbuseCaseCoupon.table, rows, [AbuseCaseCoupon.c.coupon_id])
        values = {
            "score": max(case.score, score(found)),
            "reasons": merged(case.reasons, told(found)),
            "coupons": AbuseCase.c.coupons + len(added),
            "updated_at": now,
        }
        await tx.execute(update(AbuseCase.table).where(AbuseCase.c.id == case.id).values(**values))

    async def _open(self, tx: Transaction, subject: str, value: str) -> Row[Any]:
        """The subject's open case, locked; made when there is none."""
        now = self._kit.clock.now()
        fresh = {
            "id": new_id("cas"),
            "subject": subject,
            "value": value,
            "status": "open",
            "score": 0,
            "reasons": [],
            "coupons": 0,
            "opened_at": now,
            "updated_at": now,
            "decided_at": None,
            "decided_by": None,
            "note": None,
        }
        mine = (AbuseCase.c.subject == subject) & (AbuseCase.c.value == value) & (AbuseCase.c.status == "open")
        chosen = select(AbuseCase.table).where(mine).with_for_update()
        row = (await tx.execute(chosen)).one_or_none()
        while row is None:  # a case that was decided between the two is closed: another is opened
            await insert_ignore(tx, AbuseCase.table, [fresh])
            row = (await tx.execute(chosen)).one_or_none()
        return row
