"""Showing a coupon at a till 出示券码: a signed token as QR picture and a short code, new every minute."""

from datetime import timedelta
from io import BytesIO
from typing import Any

import segno
from sqlalchemy import Row, select

from services.coupon.redemption import repository
from services.coupon.redemption.models import RedemptionToken
from services.coupon.redemption.pricing import StorePricing
from services.coupon.redemption.problems import refused, unusable
from services.coupon.redemption.rules import Claims, new_short_code
from services.coupon.redemption.schemas import TokenView
from services.coupon.redemption.signing import Signing
from services.coupon.settings import CouponSettings
from services.coupon.wallet.rules import effective
from shared.db import Transaction, insert_ignore
from shared.ids import new_id
from shared.service import Kit
from shared.web import Caller, NotFound, Page, Paging, fetch_page

_TRIES = 8


class Showing:
    """Makes tokens of coupons and shows them."""

    def __init__(self, kit: Kit, signing: Signing, pricing: StorePricing, settings: CouponSettings) -> None:
        self._kit = kit
        self._signing = signing
        self._pricing = pricing
        self._life = timedelta(seconds=settings.redemption_token_seconds)
        self._offline_most = settings.offline_redemption_most

    async def create(self, caller: Caller, coupon_id: str) -> TokenView:
        """A new token. Raises NotFound for somebody else's coupon, Conflict when it can't be used in a store now."""
        now = self._kit.clock.now()
        async with self._kit.db.write() as tx:
            coupon = await repository.coupon(tx, coupon_id)
            if coupon is None:
                raise NotFound("not_found", "There is no coupon with this id.")
            caller.require_customer(coupon.customer_id)
            status = effective(coupon.status, coupon.valid_until, coupon.locked_until, now)
            if status != "issued":
                raise unusable(status)
            refusal = await self._pricing.refusal(tx, coupon, coupon.currency)
            if refusal is not None:
                raise refused(refusal)
            return self._view(await self._store(tx, coupon))

    async def page(self, caller: Caller, paging: Paging, coupon_id: str | None) -> Page[TokenView]:
        """Tokens of the last hour, newest first."""
        chosen = select(RedemptionToken.table)
        if caller.customer_id is not None:
            chosen = chosen.where(RedemptionToken.c.customer_id == caller.customer_id)
        if coupon_id is not None:
            chosen = chosen.where(RedemptionToken.c.coupon_id == coupon_id)
        async with self._kit.db.read() as tx:
            return await fetch_page(tx, chosen, RedemptionToken.c.id, paging, self._view)

    async def get(self, caller: Caller, token_id: str) -> TokenView:
        async with self._kit.db.read() as tx:
            row = await repository.token(tx, token_id)
        if row is None:
            raise NotFound("not_found", "There is no redemption token with this id, or it is forgotten already.")
        caller.require_customer(row.customer_id)
        return self._view(row)

    async def picture(self, caller: Caller, token_id: str) -> bytes:
        """The token as QR code, an SVG document."""
        view = await self.get(caller, token_id)
        picture = BytesIO()
        segno.make(view.token, error="m", micro=False).save(picture, kind="svg", scale=4, border=4)
        return picture.getvalue()

    async def _store(self, tx: Transaction, coupon: Row[Any]) -> Row[Any]:
        terms = await self._pricing.snapshot(tx, coupon)
        now = self._kit.clock.now()
        face = await self._pricing.face(tx, coupon)
        claims = Claims(
            token_id=new_id("rtk"),
            coupon_id=coupon.id,
            issued_at=now,
            expires_at=now + self._life,
            currency=coupon.currency,
            kind=terms.terms.benefit.kind,
            face=face,
            threshold=terms.terms.threshold.amount,
            offline_most=self._offline_most if face is None else min(face, self._offline_most),
        )
        row = {
            "id": claims.token_id,
            "coupon_id": coupon.id,
            "customer_id": coupon.customer_id,
            "token": await self._signing.sign(tx, claims),
            "issued_at": now,
            "expires_at": claims.expires_at,
        }
        for _ in range(_TRIES):  # a code that another live token has is drawn again
            if await insert_ignore(tx, RedemptionToken.table, [{**row, "short_code": new_short_code()}]):
                return (await tx.execute(select(RedemptionToken.table).where(RedemptionToken.c.id == row["id"]))).one()
        raise AssertionError("unreachable: eight random codes in a row were taken")

    def _view(self, row: Row[Any]) -> TokenView:
        shown = {name: getattr(row, name) for name in TokenView.model_fields if name != "qr_svg_url"}
        return TokenView(**shown, qr_svg_url=f"/v1/redemption-tokens/{row.id}/qr.svg")
