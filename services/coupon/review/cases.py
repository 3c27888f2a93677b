"""Cases: coupons that look wrong are gathered by subject until a person decides on them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from services.coupon.abuse.velocity import Excess
from services.coupon.review import repository
from services.coupon.review.rules import Finding, merged, over_velocity, score, told
from shared.db import Transaction
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
        if await repository.was_cleared(tx, subject, value, now - _QUIET):
            return
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
        case = await repository.lock_open(tx, fresh)
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
        added = await repository.insert_coupons(tx, rows)
        reasons = merged(case.reasons, told(found))
        await repository.grow(tx, case.id, max(case.score, score(found)), reasons, added, now)
