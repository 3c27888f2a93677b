"""The review queue 审核: a person looks at a case and decides."""

from services.coupon.abuse.denials import Denials
from services.coupon.review import repository
from services.coupon.review.models import AbuseCase
from services.coupon.review.schemas import CaseCouponView, CaseDetail, CaseView, DecisionIn
from services.coupon.wallet import repository as wallet
from services.coupon.wallet.voiding import Voiding
from shared.db import Transaction
from shared.service import Kit
from shared.web import Caller, Conflict, NotFound, Page, Paging
from shared.web.ends import refuse_passed

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
        async with self._kit.db.read() as tx:
            return await repository.page(tx, paging, status, subject, customer_id)

    async def read(self, case_id: str) -> CaseDetail:
        """One case with its coupons. Raises NotFound."""
        async with self._kit.db.read() as tx:
            return await self._detail(tx, case_id)

    async def decide(self, caller: Caller, case_id: str, body: DecisionIn) -> CaseDetail:
        """Carry the decision out, once. The same decision again changes nothing; another one is a Conflict."""
        now = self._kit.clock.now()
        async with self._kit.db.write() as tx:
            case = await repository.lock(tx, case_id)
            if case is None:
                raise _unknown()
            status = _STATUS[body.decision]
            if case.status == status:
                return await self._detail(tx, case_id)
            if case.status != "open":
                raise Conflict("case_decided", f"This case is {case.status} already; see its note.")
            if body.decision == "deny":
                refuse_passed("#/until", body.until, now, "Give a later one, or leave it out for no end.")
            if body.decision != "clear":
                await self._take_back(tx, caller, case, body.note)
            if body.decision == "deny":
                reason = f"case {case.id}"
                await self._denials.deny(tx, caller, case.subject, case.value, reason, body.until)
            values = {"status": status, "decided_at": now, "decided_by": caller.key_id, "note": body.note}
            await repository.update_case(tx, case_id, {**values, "updated_at": now})
            return await self._detail(tx, case_id)

    async def _take_back(self, tx: Transaction, caller: Caller, case: AbuseCase, note: str) -> None:
        reason = f"abuse case {case.id}" + (f": {note}" if note else "")
        ids = await repository.coupon_ids(tx, case.id)
        for start in range(0, len(ids), _CHUNK):
            held = await wallet.lock(tx, ids[start : start + _CHUNK])
            outcomes = await self._voiding.void_free(tx, list(held.values()), reason, caller.actor)
            await repository.update_outcomes(tx, case.id, outcomes)

    async def _detail(self, tx: Transaction, case_id: str) -> CaseDetail:
        row = await repository.find(tx, case_id)
        if row is None:
            raise _unknown()
        shown = await repository.coupons(tx, case_id, _MOST_SHOWN)
        suspects = [CaseCouponView.model_validate(one) for one in shown]
        return CaseDetail(**dict(CaseView.model_validate(row)), suspects=suspects)


def _unknown() -> NotFound:
    return NotFound("not_found", "There is no case with this id.")
