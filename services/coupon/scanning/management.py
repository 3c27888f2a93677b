"""Use cases of the shop: QR codes to claim by, their tokens and pictures, and how often they were scanned."""

import io
import secrets
from datetime import UTC, datetime, timedelta

from services.coupon.scanning import repository
from services.coupon.scanning.models import ClaimCode
from services.coupon.scanning.rules import sign
from services.coupon.scanning.schemas import (
    ClaimCodeIn,
    ClaimCodePatch,
    ClaimCodeView,
    ClaimTokenView,
    ScanFigures,
)
from services.coupon.templates.queries import read_lasting
from services.coupon.templates.validity import local_day
from shared.db import Transaction
from shared.ids import new_id
from shared.service import Kit
from shared.web import Caller, NotFound, Page, Paging
from shared.web.ends import refuse_passed

_TO_END = "To end a code now, set its status to paused."


class ClaimCodes:
    """What merchants and shops do with QR codes. A staff key sees its own shop's."""

    def __init__(self, kit: Kit, time_zone: str) -> None:
        self._kit = kit
        self._time_zone = time_zone

    async def create(self, caller: Caller, body: ClaimCodeIn) -> ClaimCodeView:
        """A new code with a key of its own. Raises Unprocessable for an unknown template."""
        _refuse_other_shop(caller, body.shop_id)
        now = self._kit.clock.now()
        refuse_passed("#/valid_until", body.valid_until, now, _TO_END)
        code_id = new_id("clc")
        row = {
            **body.model_dump(),
            "id": code_id,
            "owner_id": caller.owner_id,
            "status": "active",
            "key": secrets.token_hex(32),
            "created_at": now,
            "updated_at": now,
        }
        async with self._kit.db.write() as tx:
            await read_lasting(tx, caller, body.template_id, "#/template_id", now)
            await repository.insert_code(tx, row)
            return await self._view(tx, caller, code_id)

    async def read(self, caller: Caller, code_id: str) -> ClaimCodeView:
        """One code. Raises NotFound, also for another shop's."""
        async with self._kit.db.read() as tx:
            return await self._view(tx, caller, code_id)

    async def page(
        self, paging: Paging, shop_id: str | None, template_id: str | None, status: str | None
    ) -> Page[ClaimCodeView]:
        """Codes, newest first; a shop sees its own."""
        async with self._kit.db.read() as tx:
            return await repository.page(tx, paging, shop_id, template_id, status)

    async def change(self, caller: Caller, code_id: str, patch: ClaimCodePatch) -> ClaimCodeView:
        """Pause or activate a code, or move its end."""
        async with self._kit.db.write() as tx:
            before, now = await self._view(tx, caller, code_id), self._kit.clock.now()
            if patch.valid_until != before.valid_until:
                refuse_passed("#/valid_until", patch.valid_until, now, _TO_END)
            values = {**patch.given(), "updated_at": now}
            await repository.update_code(tx, code_id, values)
            return await self._view(tx, caller, code_id)

    async def token(self, caller: Caller, code_id: str) -> ClaimTokenView:
        """The token to show now: of a poster always the same, of a rotating code one that ends in `ttl_seconds`."""
        async with self._kit.db.read() as tx:
            row = await self._find(tx, caller, code_id)
        until = int(self._kit.clock.now().timestamp()) + row.ttl_seconds if row.rotating else 0
        token = sign(row.key, row.id, until)
        content = token if row.link is None else row.link.replace("{token}", token)
        return ClaimTokenView(
            token=token, content=content, expires_at=datetime.fromtimestamp(until, UTC) if row.rotating else None
        )

    async def picture(self, caller: Caller, code_id: str) -> bytes:
        """The QR code of now as SVG, with the quiet zone that scanners need."""
        shown = await self.token(caller, code_id)
        picture = io.BytesIO()
        import segno  # loaded by those who need it

        segno.make_qr(shown.content, error="m").save(picture, kind="svg", scale=8, border=4)
        return picture.getvalue()

    async def figures(self, caller: Caller, shop_id: str | None, days: int) -> ScanFigures:
        """Coupons by shop and day, of the last `days` days of the merchant's calendar."""
        first = local_day(self._kit.clock.now() - timedelta(days=days - 1), self._time_zone)
        async with self._kit.db.read() as tx:
            return ScanFigures(data=await repository.figures(tx, caller, shop_id, first))

    async def _view(self, tx: Transaction, caller: Caller, code_id: str) -> ClaimCodeView:
        return ClaimCodeView.model_validate(await self._find(tx, caller, code_id))

    async def _find(self, tx: Transaction, caller: Caller, code_id: str) -> ClaimCode:
        row = await repository.find_seen(tx, caller, code_id)
        if row is None:
            raise _unknown()
        return row


def _refuse_other_shop(caller: Caller, shop_id: str) -> None:
    """Nobody makes a code for another shop than their own, an end-user none at all."""
    if caller.customer_id is not None or caller.shop_id not in (None, shop_id):
        raise _unknown()


def _unknown() -> NotFound:
    return NotFound("not_found", "There is no claim code with this id.")
