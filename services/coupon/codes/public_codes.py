"""Public codes 公共码: made, changed and paused by the merchant."""

from services.coupon.code_format import normalised
from services.coupon.codes import repository
from services.coupon.codes.models import PublicCode
from services.coupon.codes.schemas import (
    PublicCodeIn,
    PublicCodePatch,
    PublicCodeView,
    refuse_empty_window,
)
from services.coupon.codes.views import public_view
from services.coupon.refusals import refusal
from services.coupon.templates import repository as templates
from services.coupon.templates.queries import refuse_ended
from shared.db import Transaction, as_dict
from shared.ids import new_id
from shared.service import Kit
from shared.web import Caller, Conflict, NotFound, Page, Paging, invalid
from shared.web.ends import refuse_passed

_TO_END = "To end a code now, set its status to paused."


class PublicCodes:
    """What merchants do with public codes."""

    def __init__(self, kit: Kit) -> None:
        self._kit = kit

    async def create(self, caller: Caller, body: PublicCodeIn) -> PublicCodeView:
        """Raises Conflict when another public code reads the same."""
        now = self._kit.clock.now()
        refuse_passed("#/valid_until", body.valid_until, now, _TO_END)
        row = {
            "id": new_id("pcd"),
            "owner_id": caller.owner_id,
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
            template = await templates.find_offered(tx, caller, body.template_id)
            if template is None:
                raise refusal("not_found")
            refuse_ended(template, "#/template_id", max(now, body.valid_from or now))
            if not await repository.insert_public(tx, row):
                raise Conflict("code_taken", "There is a public code that reads the same. Choose another one.")
            return await self._view(tx, caller, str(row["id"]))

    async def read(self, caller: Caller, public_id: str) -> PublicCodeView:
        """One public code. Raises NotFound, also for another owner's."""
        async with self._kit.db.read() as tx:
            return await self._view(tx, caller, public_id)

    async def page(self, paging: Paging, status: str | None, template_id: str | None) -> Page[PublicCodeView]:
        """Public codes, newest first."""
        async with self._kit.db.read() as tx:
            return await repository.page_public(tx, paging, status, template_id)

    async def change(self, caller: Caller, public_id: str, patch: PublicCodePatch) -> PublicCodeView:
        """Pause, activate, or change limits and window. A total below what was used already is refused."""
        async with self._kit.db.write() as tx:
            row = _found(await repository.lock_public(tx, caller, public_id))
            given = patch.given()
            limits = given.pop("limits", None)
            if limits is not None and patch.limits is not None:
                if patch.limits.total is not None and patch.limits.total < row.used:
                    detail = f"The code was used {row.used} times; set a total of at least that, or pause the code."
                    raise Conflict("limit_below_issued", detail)
                given.update(patch.limits.model_dump())
            merged = {**as_dict(row), **given}
            if merged["valid_until"] != row.valid_until:
                refuse_passed("#/valid_until", merged["valid_until"], self._kit.clock.now(), _TO_END)
            try:
                refuse_empty_window(merged["valid_from"], merged["valid_until"])
            except ValueError as error:
                raise invalid("#/valid_until", "empty_window", str(error)) from None
            await repository.update_public(tx, public_id, {**given, "updated_at": self._kit.clock.now()})
            return await self._view(tx, caller, public_id)

    async def _view(self, tx: Transaction, caller: Caller, public_id: str) -> PublicCodeView:
        return public_view(_found(await repository.find_public(tx, caller, public_id)))


def _found(row: PublicCode | None) -> PublicCode:
    if row is None:
        raise NotFound("not_found", "There is no public code with this id.")
    return row
