"""Public codes 公共码: made, changed and paused by the merchant; and what staff may know of any code."""

from typing import Any

from sqlalchemy import Row, select, update

from services.coupon.codes import repository
from services.coupon.codes.found import FoundPublic
from services.coupon.codes.models import PublicCode
from services.coupon.codes.rules import public_state, unique_state
from services.coupon.codes.schemas import (
    PublicCodeIn,
    PublicCodePatch,
    PublicCodeView,
    TruthView,
    public_view,
    refuse_empty_window,
)
from services.coupon.lettering import corrected, normalised, well_formed
from services.coupon.refusals import refusal
from services.coupon.templates import repository as templates
from shared.db import Transaction, insert_ignore
from shared.ids import new_id
from shared.service import Kit
from shared.web import Caller, Conflict, NotFound, Page, Paging, fetch_page, invalid


class PublicCodes:
    """What merchants do with public codes."""

    def __init__(self, kit: Kit) -> None:
        self._kit = kit

    async def create(self, body: PublicCodeIn) -> PublicCodeView:
        """Raises Conflict when another public code reads the same."""
        now = self._kit.clock.now()
        row = {
            "id": new_id("pcd"),
            "code": body.code.strip(),
            "key": normalised(body.code),
            "template_id": body.template_id,
            "status": body.status,
            **body.limits.model_dump(),
            "used": 0,
            "valid_from": body.valid_from,
            "valid_until": body.valid_until,
            "created_at": now,
            "updated_at": now,
        }
        async with self._kit.db.write() as tx:
            if await templates.find(tx, body.template_id) is None:
                raise refusal("not_found")
            if not await insert_ignore(tx, PublicCode.table, [row]):
                raise Conflict("code_taken", "There is a public code that reads the same. Choose another one.")
            return await self._view(tx, row["id"])

    async def get(self, public_id: str) -> PublicCodeView:
        async with self._kit.db.read() as tx:
            return await self._view(tx, public_id)

    async def page(self, paging: Paging, status: str | None, template_id: str | None) -> Page[PublicCodeView]:
        chosen = select(PublicCode.table)
        if status is not None:
            chosen = chosen.where(PublicCode.c.status == status)
        if template_id is not None:
            chosen = chosen.where(PublicCode.c.template_id == template_id)
        async with self._kit.db.read() as tx:
            return await fetch_page(tx, chosen, PublicCode.c.id, paging, public_view)

    async def change(self, public_id: str, patch: PublicCodePatch) -> PublicCodeView:
        """Pause, activate, or change limits and window. A total below what was used already is refused."""
        async with self._kit.db.write() as tx:
            row = await self._find(tx, public_id, hold=True)
            given: dict[str, Any] = patch.model_dump(exclude_unset=True)
            limits = given.pop("limits", None)
            if limits is not None and patch.limits is not None:
                if patch.limits.total is not None and patch.limits.total < row.used:
                    detail = f"The code was used {row.used} times; set a total of at least that, or pause the code."
                    raise Conflict("limit_below_issued", detail)
                given.update(patch.limits.model_dump())
            if given.get("status", "") is None:
                raise invalid("#/status", "status_needed", "A code is active or paused; leave `status` out to keep it.")
            merged = {**row._mapping, **given}
            try:
                refuse_empty_window(merged["valid_from"], merged["valid_until"])
            except ValueError as error:
                raise invalid("#/valid_until", "empty_window", str(error)) from None
            same = PublicCode.c.id == public_id
            await tx.execute(update(PublicCode.table).where(same).values(**given, updated_at=self._kit.clock.now()))
            return await self._view(tx, public_id)

    async def truth(self, caller: Caller, typed: str) -> TruthView:
        """What a code really is, for staff only. Raises NotFound, which says whether it is just mistyped."""
        if caller.customer_id is not None:
            raise NotFound("not_found", "There is no such object.")
        key, now = normalised(typed), self._kit.clock.now()
        async with self._kit.db.read() as tx:
            found = (await repository.find(tx, [key], [], now, hold=False)).get(key)
        if found is None:
            if well_formed(corrected(key)):
                raise NotFound("not_found", "No such code was made here, though its check character is right.")
            raise NotFound(
                "not_found", "No public code reads so, and as a unique code it is mistyped: compare it again."
            )
        row = found.row
        if isinstance(found, FoundPublic):
            return TruthView(
                kind="public",
                code=row.code,
                state=public_state(row, now),
                template_id=row.template_id,
                public_code_id=row.id,
                valid_until=row.valid_until,
            )
        state = unique_state(row.coupon_id, row.batch_status, row.valid_until, now)
        return TruthView(**{**row._mapping, "kind": "unique", "state": state})

    async def _view(self, tx: Transaction, public_id: str) -> PublicCodeView:
        return public_view(await self._find(tx, public_id, hold=False))

    async def _find(self, tx: Transaction, public_id: str, *, hold: bool) -> Row[Any]:
        chosen = select(PublicCode.table).where(PublicCode.c.id == public_id)
        row = (await tx.execute(chosen.with_for_update() if hold else chosen)).one_or_none()
        if row is None:
            raise NotFound("not_found", "There is no public code with this id.")
        return row
