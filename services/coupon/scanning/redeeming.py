"""A customer scanned a QR code: prove the token, give the coupon."""

from typing import Any

from sqlalchemy import Row, select, update

from services.coupon.abuse.guarding import Guarding
from services.coupon.reasons import explain
from services.coupon.scanning.models import ClaimScan
from services.coupon.scanning.rules import Token, genuine, in_time, read
from services.coupon.scanning.schemas import ScanIn
from services.coupon.scanning.showing import find
from services.coupon.templates.validity import local_day
from services.coupon.wallet.granting import Granting
from services.coupon.wallet.reading import Wallet
from services.coupon.wallet.schemas import CouponView
from services.coupon.wishes import Origin, Wish
from shared.db import Transaction, insert_ignore
from shared.service import Kit
from shared.web import Caller, Client, Problem, Unprocessable


def invalid_token() -> Unprocessable:
    """The one refusal of a token: forged, of a photograph too late, of a code that is paused or over."""
    reason = explain("token_invalid")
    return Unprocessable(reason.code, reason.detail, detail_zh=reason.detail_zh)


class Scanning:
    """Turns scanned tokens into coupons."""

    def __init__(self, kit: Kit, granting: Granting, wallet: Wallet, guarding: Guarding, time_zone: str) -> None:
        self._kit = kit
        self._granting = granting
        self._wallet = wallet
        self._guarding = guarding
        self._time_zone = time_zone

    async def redeem(self, caller: Caller, client: Client, body: ScanIn, correlation: str) -> CouponView:
        """The coupon. The same token (or poster on the same day) answers the customer's coupon again.

        Raises `token_invalid`, `too_many_attempts`, and the refusals of a claim: a proven token hides nothing.
        """
        caller.require_customer(body.customer_id)
        guarded = self._guarding.admit(client, body.customer_id, denied=invalid_token())
        async with guarded as attempt, self._kit.db.write() as tx:
            proven = await self._prove(tx, body.token)
            if proven is None:
                attempt.failed()
                raise invalid_token()
            code, token = proven
            return await self._claim(tx, code, token, body.customer_id, caller.actor, correlation, attempt.origin)

    async def _prove(self, tx: Transaction, text: str) -> tuple[Row[Any], Token] | None:
        token = read(text)
        if token is None:
            return None
        code = await find(tx, token.claim_code_id)
        if not genuine(token, code) or code is None or not in_time(token, code, self._kit.clock.now()):
            return None
        return code, token

    async def _claim(
        self,
        tx: Transaction,
        code: Row[Any],
        token: Token,
        customer_id: str,
        actor: str,
        correlation: str,
        origin: Origin,
    ) -> CouponView:
        now = self._kit.clock.now()
        day = local_day(now, self._time_zone)
        slot = str(token.until) if code.rotating else day
        key = {"claim_code_id": code.id, "customer_id": customer_id, "slot": slot}
        mine = (
            (ClaimScan.c.claim_code_id == code.id)
            & (ClaimScan.c.customer_id == customer_id)
            & (ClaimScan.c.slot == slot)
        )
        row = {**key, "shop_id": code.shop_id, "day": day, "created_at": now}
        if await insert_ignore(tx, ClaimScan.table, [row]):
            reference = f"{code.id}:{slot}:{customer_id}"
            reason = f"scanned in shop {code.shop_id}"
            wish = Wish(
                template_id=code.template_id,
                customer_id=customer_id,
                source="qr",
                actor=actor,
                reason=reason,
                reference=reference,
                correlation=correlation,
                origin=origin,
            )
            granted = (await self._granting.grant(tx, [wish]))[0]
            if isinstance(granted, Problem):
                raise granted
            await tx.execute(update(ClaimScan.table).where(mine).values(coupon_id=granted.coupon_id))
        coupon_id = await tx.scalar(select(ClaimScan.c.coupon_id).where(mine))
        return (await self._wallet.views(tx, [coupon_id]))[coupon_id]
