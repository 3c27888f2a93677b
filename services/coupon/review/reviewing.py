"""The review queue 审核: a person looks at a case and decides."""

from typing import Any

from sqlalchemy import Row, bindparam, select, update

from services.coupon.abuse.denials import Denials
from services.coupon.review.models import AbuseCase, AbuseCaseCoupon
from services.coupon.review.schemas import CaseCouponView, CaseDetail, CaseView, DecisionIn
from services.coupon.wallet import repository as wallet
from services.coupon.wallet.voiding import Voiding
from shared.db import Transaction
from shared.service import Kit
from shared.web import Caller, Conflict, NotFound, Page, Paging, fetch_page

_CHUNK = 500
_MOST_SHOWN = 1_000
_STATUS = {"clear": "cleared", "void": "voided", "deny": "denied"}


class Reviewing:
    """Reads cases and carries decisions out."""

    def __init__(self, kit: Kit, voiding: Voiding, denials: Denials) -> None:
        self._kit = kit
        self._voiding = voiding
        self._denials = denials

    async def page(
        self, paging: Paging, status: str | None, subject: str | None, customer_id: str | None
    ) -> Page[CaseView]:
        """Newest first; `customer_id`: with a coupon of that customer."""
        chosen = select(AbuseCase.table)
        if status is not None:
            chosen = chosen.where(AbuseCase.c.status == status)
        if subject is not None:
            chosen = chosen.where(AbuseCase.c.subject == subject)
        if customer_id is not None:
            theirs = select(AbuseCaseCoupon.c.case_id).where(AbuseCaseCoupon.c.customer_id == customer_id)
            chosen = chosen.where(AbuseCase.c.id.in_(theirs))
        async with self._kit.db.read() as tx:
            return await fetch_page(tx, chosen, AbuseCase.c.id, paging, CaseView.model_validate)

    async def get(self, case_id: str) -> CaseDetail:
        async with self._kit.db.read() as tx:
            return await self._detail(tx, case_id)

    async def decide(self, caller: Caller, case_id: str, body: DecisionIn) -> CaseDetail:
        """Carry the decision out, once. The same decision again changes nothing; another one is a Conflict."""
        now = self._kit.clock.now()
        async with self._kit.db.write() as tx:
            case = (
                await tx.execute(select(AbuseCase.table).where(AbuseCase.c.id == case_id).with_for_update())
            ).one_or_none()
            if case is None:
                raise _unknown()
            status = _STATUS[body.decision]
            if case.status == status:
                return await self._detail(tx, case_id)
            if case.status != "open":
                raise Conflict("case_decided", f"This case is {case.status} already; see its note.")
            if body.decision != "clear":
                await self._take_back(tx, caller, case, body.note)
            if body.decision == "deny":
                reason = f"case {case.id}"
                await self._denials.deny(tx, caller, case.subject, case.value, reason, body.until)
            values = {"status": status, "decided_at": now, "decided_by": caller.key_id, "note": body.note}
            await tx.execute(update(AbuseCase.table).where(AbuseCase.c.id == case_id).values(**values, updated_at=now))
            return await self._detail(tx, case_id)

    async def _take_back(self, tx: Transaction, caller: Caller, case: Row[Any], note: str) -> None:
        reason = f"abuse case {case.id}" + (f": {note}" if note else "")
        chosen = select(AbuseCaseCoupon.c.coupon_id).where(AbuseCaseCoupon.c.case_id == case.id)
        ids = [row.coupon_id for row in await tx.execute(chosen.order_by(AbuseCaseCoupon.c.coupon_id))]
        for start in range(0, len(ids), _CHUNK):
            held = await wallet.lock(tx, ids[start : start + _CHUNK])
            outcomes = await self._voiding.void_free(tx, list(held.values()), reason, caller.actor)
            rows = [{"of_case": case.id, "of_coupon": key, "now": outcome} for key, outcome in outcomes.items()]
            if rows:
                await tx.execute(_OUTCOME, rows)

    async def _detail(self, tx: Transaction, case_id: str) -> CaseDetail:
        row = (await tx.execute(select(AbuseCase.table).where(AbuseCase.c.id == case_id))).one_or_none()
        if row is None:
            raise _unknown()
        chosen = (
            select(AbuseCaseCoupon.table)
            .where(AbuseCaseCoupon.c.case_id == case_id)
            .order_by(AbuseCaseCoupon.c.coupon_id)
        )
        chosen = chosen.limit(_MOST_SHOWN)
        suspects = [CaseCouponView.model_validate(one) for one in await tx.execute(chosen)]
        return CaseDetail(**dict(CaseView.model_validate(row)), suspects=suspects)


_OUTCOME = (
    update(AbuseCaseCoupon.table)
    .where(AbuseCaseCoupon.c.case_id == bindparam("of_case"), AbuseCaseCoupon.c.coupon_id == bindparam("of_coupon"))
    .values(outcome=bindparam("now"))
)


def _unknown() -> NotFound:
    return NotFound("not_found", "There is no case with this id.")
