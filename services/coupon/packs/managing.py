"""Use cases of the packs: create, read, change."""

from typing import Any

from pydantic import ValidationError
from sqlalchemy import Row, insert, select, update

from services.coupon.packs.models import CouponPack
from services.coupon.packs.schemas import PackIn, PackItem, PackLimits, PackPatch, PackView
from services.coupon.statements import padded
from services.coupon.templates.repository import TEMPLATE
from shared.db import Transaction
from shared.ids import new_id
from shared.service import Kit
from shared.web import Conflict, NotFound, Page, Paging, fetch_page, invalid
from shared.web.problems import from_validation


class Packs:
    """What merchants do with packs."""

    def __init__(self, kit: Kit) -> None:
        self._kit = kit

    async def create(self, body: PackIn) -> PackView:
        """Store a new pack. Raises Unprocessable when it names a template that there is not."""
        now = self._kit.clock.now()
        row = {"id": new_id("pck"), **_columns(body), "issued": 0, "created_at": now, "updated_at": now}
        async with self._kit.db.write() as tx:
            await _refuse_unknown(tx, body)
            await tx.execute(insert(CouponPack.table), row)
            return await self._view(tx, str(row["id"]))

    async def get(self, pack_id: str) -> PackView:
        async with self._kit.db.read() as tx:
            return await self._view(tx, pack_id)

    async def page(self, paging: Paging, status: str | None) -> Page[PackView]:
        chosen = (
            select(CouponPack.table)
            if status is None
            else select(CouponPack.table).where(CouponPack.c.status == status)
        )
        async with self._kit.db.read() as tx:
            return await fetch_page(tx, chosen, CouponPack.c.id, paging, _view)

    async def change(self, pack_id: str, patch: PackPatch) -> PackView:
        """Apply a patch. Packs that were given stay as they are."""
        async with self._kit.db.write() as tx:
            row = await hold(tx, pack_id)
            after = _merged(_view(row), patch.model_dump(exclude_unset=True))
            await _refuse_unknown(tx, after)
            if after.limits.total is not None and after.limits.total < row.issued:
                raise Conflict("limit_below_issued", f"{row.issued} are given out; set a total of at least that.")
            values = {**_columns(after), "updated_at": self._kit.clock.now()}
            await tx.execute(update(CouponPack.table).where(CouponPack.c.id == pack_id).values(**values))
            return await self._view(tx, pack_id)

    async def _view(self, tx: Transaction, pack_id: str) -> PackView:
        row = (await tx.execute(select(CouponPack.table).where(CouponPack.c.id == pack_id))).one_or_none()
        if row is None:
            raise unknown()
        return _view(row)


async def hold(tx: Transaction, pack_id: str) -> Row[Any]:
    """The pack, locked until the end of the transaction; templates are locked after it. Raises NotFound."""
    row = (await tx.execute(select(CouponPack.table).where(CouponPack.c.id == pack_id).with_for_update())).one_or_none()
    if row is None:
        raise unknown()
    return row


def unknown() -> NotFound:
    return NotFound("not_found", "There is no coupon pack with this id.")


async def _refuse_unknown(tx: Transaction, body: PackIn) -> None:
    wanted = [item.template_id for item in body.items]
    found = await tx.execute(
        select(TEMPLATE.c.id).where(TEMPLATE.c.id.in_(padded(wanted)), TEMPLATE.c.kind == "coupon")
    )
    known = set(found.scalars())
    for index, template_id in enumerate(wanted):
        if template_id not in known:
            detail = "There is no coupon template with this id."
            raise invalid(f"#/items/{index}/template_id", "unknown_template", detail)


def _columns(body: PackIn) -> dict[str, Any]:
    return {
        "name": body.name,
        "status": body.status,
        "items": [item.model_dump() for item in body.items],
        "auto_on": body.auto_on,
        **body.limits.model_dump(),
    }


def _merged(before: PackView, given: dict[str, Any]) -> PackIn:
    """The whole pack as the patch wants it. Raises Unprocessable where the parts don't fit together."""
    present = before.model_dump(include=set(PackIn.model_fields))
    if isinstance(given.get("limits"), dict):
        given = {**given, "limits": {**present["limits"], **given["limits"]}}
    try:
        return PackIn.model_validate({**present, **given})
    except ValidationError as error:
        raise from_validation(error.errors(include_url=False, include_input=False), in_body=True) from None


def _view(row: Row[Any]) -> PackView:
    return PackView(
        id=row.id,
        name=row.name,
        status=row.status,
        items=tuple(PackItem.model_validate(item) for item in row.items),
        limits=PackLimits(total=row.total, per_customer=row.per_customer),
        auto_on=row.auto_on,
        issued=row.issued,
        remaining=None if row.total is None else row.total - row.issued,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )
