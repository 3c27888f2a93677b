"""Use cases of the packs: create, read, change."""

from datetime import datetime
from typing import Any

from services.coupon.packs import repository
from services.coupon.packs.models import CouponPack
from services.coupon.packs.schemas import PackIn, PackPatch, PackView
from services.coupon.packs.views import pack_view
from services.coupon.templates.queries import read_lasting
from shared.db import Transaction
from shared.ids import new_id
from shared.service import Kit
from shared.web import Caller, Conflict, NotFound, Page, Paging, merged


class Packs:
    """What merchants do with packs."""

    def __init__(self, kit: Kit) -> None:
        self._kit = kit

    async def create(self, caller: Caller, body: PackIn) -> PackView:
        """Store a new pack. Raises Unprocessable when it names a template that there is not, or that has ended."""
        now = self._kit.clock.now()
        row = {"id": new_id("pck"), "owner_id": caller.owner_id, **_columns(body), "issued": 0}
        async with self._kit.db.write() as tx:
            await _refuse_templates(tx, caller, body, now)
            await repository.insert_pack(tx, row | {"created_at": now, "updated_at": now})
            return await self._view(tx, caller, str(row["id"]))

    async def read(self, caller: Caller, pack_id: str) -> PackView:
        """One pack. Raises NotFound, also for another partner's."""
        async with self._kit.db.read() as tx:
            return await self._view(tx, caller, pack_id)

    async def page(self, paging: Paging, status: str | None) -> Page[PackView]:
        """Packs, newest first."""
        async with self._kit.db.read() as tx:
            return await repository.page(tx, paging, status)

    async def change(self, caller: Caller, pack_id: str, patch: PackPatch) -> PackView:
        """Apply a patch. Packs that were given stay as they are."""
        async with self._kit.db.write() as tx:
            row = await lock_pack(tx, pack_id)
            if not caller.sees(row.owner_id):
                raise unknown_pack()
            after = merged(PackIn, pack_view(row), patch, by_field=("limits",))
            if patch.items is not None:
                await _refuse_templates(tx, caller, after, self._kit.clock.now())
            if after.limits.total is not None and after.limits.total < row.issued:
                raise Conflict("limit_below_issued", f"{row.issued} are given out; set a total of at least that.")
            await repository.update_pack(tx, pack_id, {**_columns(after), "updated_at": self._kit.clock.now()})
            return await self._view(tx, caller, pack_id)

    async def _view(self, tx: Transaction, caller: Caller, pack_id: str) -> PackView:
        row = await repository.find(tx, caller, pack_id)
        if row is None:
            raise unknown_pack()
        return pack_view(row)


async def lock_pack(tx: Transaction, pack_id: str) -> CouponPack:
    """The pack, locked until the end of the transaction. Raises NotFound."""
    row = await repository.lock(tx, pack_id)
    if row is None:
        raise unknown_pack()
    return row


def unknown_pack() -> NotFound:
    """The answer about a pack that there is not."""
    return NotFound("not_found", "There is no coupon pack with this id.")


async def _refuse_templates(tx: Transaction, caller: Caller, body: PackIn, now: datetime) -> None:
    for index, item in enumerate(body.items):
        await read_lasting(tx, caller, item.template_id, f"#/items/{index}/template_id", now)


def _columns(body: PackIn) -> dict[str, Any]:
    return {
        "name": body.name,
        "status": body.status,
        "items": [item.model_dump() for item in body.items],
        "auto_on": body.auto_on,
        **body.limits.model_dump(),
    }
