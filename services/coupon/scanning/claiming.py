"""A customer scanned a QR code: prove the token, give the coupon."""

from dataclasses import dataclass

from services.coupon.abuse.attempts import AttemptLimiter
from services.coupon.reasons import explain
from services.coupon.scanning import repository
from services.coupon.scanning.models import ClaimCode
from services.coupon.scanning.rules import Token, genuine, in_time, read
from services.coupon.scanning.schemas import ScanIn
from services.coupon.templates.validity import local_day
from services.coupon.wallet.granting import Granting
from services.coupon.wallet.queries import Wallet
from services.coupon.wallet.schemas import CouponView
from services.coupon.wishes import Origin, Wish
from shared.db import Transaction
from shared.service import Kit
from shared.web import Caller, Client, Problem, Unprocessable


@dataclass(frozen=True, slots=True)
class _Scan:
    """Who scanned, on whose behalf and by which request."""

    customer_id: str
    caller: Caller
    correlation: str
    origin: Origin


def invalid_token() -> Unprocessable:
    """The one refusal of a token: forged, of a photograph too late, of a code that is paused or over."""
    reason = explain("token_invalid")
    return Unprocessable(reason.code, reason.detail, detail_zh=reason.detail_zh)


class Scanning:
    """Turns scanned tokens into coupons."""

    def __init__(self, kit: Kit, granting: Granting, wallet: Wallet, attempts: AttemptLimiter, time_zone: str) -> None:
        self._kit = kit
        self._granting = granting
        self._wallet = wallet
        self._attempts = attempts
        self._time_zone = time_zone

    async def claim(self, caller: Caller, client: Client, body: ScanIn, correlation: str) -> CouponView:
        """The coupon. The same token (or poster on the same day) answers the customer's coupon again.

        Raises `token_invalid`, `too_many_attempts`, and the refusals of a claim: a proven token hides nothing.
        """
        caller.require_customer(body.customer_id)
        admitted = self._attempts.admit(client, body.customer_id, denied=invalid_token())
        async with admitted as attempt, self._kit.db.write() as tx:
            proven = await self._prove(tx, body.token)
            if proven is None:
                attempt.failed()
                raise invalid_token()
            code, token = proven
            coupon_id = await self._coupon(
                tx, code, token, _Scan(body.customer_id, caller, correlation, attempt.origin)
            )
            return (await self._wallet.views(tx, [coupon_id]))[coupon_id]

    async def _prove(self, tx: Transaction, text: str) -> tuple[ClaimCode, Token] | None:
        token = read(text)
        if token is None:
            return None
        code = await repository.find(tx, token.claim_code_id)
        if not genuine(token, code) or code is None or not in_time(token, code, self._kit.clock.now()):
            return None
        return code, token

    async def _coupon(self, tx: Transaction, code: ClaimCode, token: Token, scan: _Scan) -> str:
        """The coupon of this scan: a new one, or that which the customer has of this slot already."""
        now = self._kit.clock.now()
        day = local_day(now, self._time_zone)
        slot = str(token.until) if code.rotating else day
        row = {
            "claim_code_id": code.id,
            "customer_id": scan.customer_id,
            "slot": slot,
            "shop_id": code.shop_id,
            "day": day,
            "created_at": now,
        }
        key = (code.id, scan.customer_id, slot)
        if not await repository.insert_scan(tx, row):
            return await repository.coupon_of(tx, key)
        wish = Wish(
            template_id=code.template_id,
            customer_id=scan.customer_id,
            source="qr",
            actor=scan.caller.actor,
            owner_id=scan.caller.owner_id,
            reason=f"scanned in shop {code.shop_id}",
            reference=f"{code.id}:{slot}:{scan.customer_id}",
            correlation=scan.correlation,
            origin=scan.origin,
        )
        granted = (await self._granting.grant(tx, [wish]))[0]
        if isinstance(granted, Problem):
            raise granted
        await repository.set_coupon(tx, key, granted.coupon_id)
        return granted.coupon_id
