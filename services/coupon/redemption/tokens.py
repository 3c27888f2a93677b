"""Showing a coupon at a till 出示券码: a signed token as QR picture and a short code, new every minute."""

from datetime import timedelta
from io import BytesIO

from services.coupon.redemption import repository
from services.coupon.redemption.models import RedemptionToken
from services.coupon.redemption.pricing import StorePricing
from services.coupon.redemption.problems import refused, unusable
from services.coupon.redemption.rules import Claims, new_short_code
from services.coupon.redemption.schemas import TokenView
from services.coupon.redemption.signing import Signing
from services.coupon.settings import CouponSettings
from services.coupon.wallet import repository as wallet
from services.coupon.wallet.repository import ShownCoupon
from shared.db import Transaction
from shared.ids import new_id
from shared.service import Kit
from shared.web import Caller, NotFound, Page, Paging

KEPT = timedelta(hours=1)
"""How long a token is remembered after its end."""
_TRIES = 8


class RedemptionTokens:
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
            coupons = await wallet.shown(tx, [coupon_id], now)
            if not coupons or not caller.sees(coupons[0].owner_id):
                raise NotFound("not_found", "There is no coupon with this id.")
            coupon = coupons[0]
            caller.require_customer(coupon.customer_id)
            if coupon.status != "issued":
                raise unusable(coupon.status)
            refusal = await self._pricing.refusal(tx, coupon, coupon.currency)
            if refusal is not None:
                raise refused(refusal)
            return await self._store(tx, caller, coupon)

    async def page(self, caller: Caller, paging: Paging, coupon_id: str | None) -> Page[TokenView]:
        """Tokens of the last hour, newest first."""
        async with self._kit.db.read() as tx:
            return await repository.page_tokens(tx, paging, caller.customer_id, coupon_id, _view)

    async def read(self, caller: Caller, token_id: str) -> TokenView:
        """One token. Raises NotFound."""
        async with self._kit.db.read() as tx:
            row = await repository.find_seen_token(tx, caller, token_id)
        if row is None:
            raise NotFound("not_found", "There is no redemption token with this id, or it is forgotten already.")
        caller.require_customer(row.customer_id)
        return _view(row)

    async def picture(self, caller: Caller, token_id: str) -> bytes:
        """The token as QR code, an SVG document."""
        view = await self.read(caller, token_id)
        picture = BytesIO()
        import segno  # loaded by those who need it

        segno.make(view.token, error="m", micro=False).save(picture, kind="svg", scale=4, border=4)
        return picture.getvalue()

    async def _store(self, tx: Transaction, caller: Caller, coupon: ShownCoupon) -> TokenView:
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
            "owner_id": caller.owner_id,
            "coupon_id": coupon.id,
            "customer_id": coupon.customer_id,
            "token": await self._signing.sign(tx, claims),
            "issued_at": now,
            "expires_at": claims.expires_at,
        }
        for _ in range(_TRIES):  # a code that another live token has is drawn again
            if await repository.insert_token(tx, {**row, "short_code": new_short_code()}):
                stored = await repository.find_token(tx, claims.token_id)
                assert stored is not None  # noqa: S101 - stored just now
                return _view(stored)
        raise AssertionError("unreachable: eight random codes in a row were taken")


def _view(row: RedemptionToken) -> TokenView:
    shown = {name: getattr(row, name) for name in TokenView.model_fields if name != "qr_svg_url"}
    return TokenView(**shown, qr_svg_url=f"/v1/redemption-tokens/{row.id}/qr.svg")
