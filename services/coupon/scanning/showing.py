"""Use cases of the shop: QR codes to claim by, their tokens and pictures, and how often they were scanned."""

import io
import secrets
from datetime import UTC, datetime, timedelta
from typing import Any

import segno
from sqlalchemy import Row, func, insert, select, update

from services.coupon.scanning.models import ClaimCode, ClaimScan
from services.coupon.scanning.rules import sign
from services.coupon.scanning.schemas import (
    ClaimCodeIn,
    ClaimCodePatch,
    ClaimCodeView,
    ScanFigure,
    ScanFigures,
    TokenView,
)
from services.coupon.templates import repository as templates
from services.coupon.templates.validity import local_day
from shared.db import Transaction
from shared.ids import new_id
from shared.service import Kit
from shared.web import Caller, NotFound, Page, Paging, fetch_page, invalid

_FIELDS = [ClaimCode.c[name] for name in ClaimCodeView.model_fields]
"""All but the key."""


class ClaimCodes:
    """What merchants and shops do with QR codes. A staff key sees its own shop's."""

    def __init__(self, kit: Kit, time_zone: str) -> None:
        self._kit = kit
        self._time_zone = time_zone

    async def create(self, caller: Caller, body: ClaimCodeIn) -> ClaimCodeView:
        _refuse_other_shop(caller, body.shop_id)
        now = self._kit.clock.now()
        code_id = new_id("clc")
        row = {
            **body.model_dump(),
            "id": code_id,
            "status": "active",
            "key": secrets.token_hex(32),
            "created_at": now,
            "updated_at": now,
        }
        async with self._kit.db.write() as tx:
            if await templates.find(tx, body.template_id) is None:
                raise invalid("#/template_id", "unknown_template", "There is no coupon template with this id.")
            await tx.execute(insert(ClaimCode.table), row)
            return await self._view(tx, caller, code_id)

    async def get(self, caller: Caller, code_id: str) -> ClaimCodeView:
        async with self._kit.db.read() as tx:
            return await self._view(tx, caller, code_id)

    async def page(
        self, caller: Caller, paging: Paging, shop_id: str | None, template_id: str | None, status: str | None
    ) -> Page[ClaimCodeView]:
        chosen = select(*_FIELDS)
        for column, wanted in (("shop_id", caller.shop_id), ("shop_id", shop_id), ("template_id", template_id)):
            if wanted is not None:
                chosen = chosen.where(ClaimCode.c[column] == wanted)
        if status is not None:
            chosen = chosen.where(ClaimCode.c.status == status)
        async with self._kit.db.read() as tx:
            return await fetch_page(tx, chosen, ClaimCode.c.id, paging, ClaimCodeView.model_validate)

    async def change(self, caller: Caller, code_id: str, patch: ClaimCodePatch) -> ClaimCodeView:
        given = patch.model_dump(exclude_unset=True)
        if given.get("status", "") is None:
            raise invalid("#/status", "status_needed", "A code is active or paused; leave `status` out to keep it.")
        async with self._kit.db.write() as tx:
            await self._view(tx, caller, code_id)
            values = {**given, "updated_at": self._kit.clock.now()}
            await tx.execute(update(ClaimCode.table).where(ClaimCode.c.id == code_id).values(**values))
            return await self._view(tx, caller, code_id)

    async def token(self, caller: Caller, code_id: str) -> TokenView:
        """The token to show now: of a poster always the same, of a rotating code one that ends in `ttl_seconds`."""
        async with self._kit.db.read() as tx:
            row = await self._find(tx, caller, code_id)
        until = int(self._kit.clock.now().timestamp()) + row.ttl_seconds if row.rotating else 0
        token = sign(row.key, row.id, until)
        content = token if row.link is None else row.link.replace("{token}", token)
        return TokenView(
            token=token, content=content, expires_at=datetime.fromtimestamp(until, UTC) if row.rotating else None
        )

    async def picture(self, caller: Caller, code_id: str) -> bytes:
        """The QR code of now as SVG, with the quiet zone that scanners need."""
        shown = await self.token(caller, code_id)
        picture = io.BytesIO()
        segno.make_qr(shown.content, error="m").save(picture, kind="svg", scale=8, border=4)
        return picture.getvalue()

    async def figures(self, caller: Caller, shop_id: str | None, days: int) -> ScanFigures:
        """Coupons by shop and day, of the last `days` days of the merchant's calendar."""
        first = local_day(self._kit.clock.now() - timedelta(days=days - 1), self._time_zone)
        chosen = select(ClaimScan.c.shop_id, ClaimScan.c.day, func.count().label("coupons")).where(
            ClaimScan.c.day >= first
        )
        for wanted in (caller.shop_id, shop_id):
            if wanted is not None:
                chosen = chosen.where(ClaimScan.c.shop_id == wanted)
        chosen = chosen.group_by(ClaimScan.c.day, ClaimScan.c.shop_id).order_by(
            ClaimScan.c.day.desc(), ClaimScan.c.shop_id
        )
        async with self._kit.db.read() as tx:
            rows = await tx.execute(chosen)
            return ScanFigures(data=[ScanFigure.model_validate(row) for row in rows])

    async def _view(self, tx: Transaction, caller: Caller, code_id: str) -> ClaimCodeView:
        return ClaimCodeView.model_validate(await self._find(tx, caller, code_id))

    async def _find(self, tx: Transaction, caller: Caller, code_id: str) -> Row[Any]:
        row = await find(tx, code_id)
        if row is None:
            raise NotFound("not_found", "There is no claim code with this id.")
        _refuse_other_shop(caller, row.shop_id)
        return row


async def find(tx: Transaction, code_id: str) -> Row[Any] | None:
    return (await tx.execute(select(ClaimCode.table).where(ClaimCode.c.id == code_id))).one_or_none()


def _refuse_other_shop(caller: Caller, shop_id: str) -> None:
    """Another shop's code must not even seem to exist, and none at all to an end-user."""
    if caller.customer_id is not None or caller.shop_id not in (None, shop_id):
        raise NotFound("not_found", "There is no claim code with this id.")
