"""Redeeming at a till that is on line 核销: works once, and the same receipt gets the same answer."""

from datetime import datetime

from services.coupon.abuse.attempts import Attempt, AttemptLimiter
from services.coupon.pricing.schemas import RejectedView
from services.coupon.redemption import problems, repository
from services.coupon.redemption.posting import RedemptionPosting
from services.coupon.redemption.pricing import StorePricing
from services.coupon.redemption.rules import read_short_code, within_life
from services.coupon.redemption.schemas import RedemptionIn, RedemptionView
from services.coupon.redemption.signing import Signing
from services.coupon.wallet.models import Coupon
from services.coupon.wallet.rules import effective
from shared.db import Transaction
from shared.service import Kit
from shared.web import Caller, Client

Life = tuple[datetime, datetime]
"""From when until when what was shown holds."""


def till_of(caller: Caller) -> Client:
    """Who guesses when a token is wrong is the staff key, whatever address its shop's tills share, and the partner who has it."""
    return Client(partner=caller.wall)


class StoreRedeeming:
    """Uses coupons for receipts."""

    def __init__(
        self,
        kit: Kit,
        signing: Signing,
        pricing: StorePricing,
        posting: RedemptionPosting,
        attempts: AttemptLimiter,
    ) -> None:
        self._kit = kit
        self._signing = signing
        self._pricing = pricing
        self._posting = posting
        self._attempts = attempts

    async def redeem(self, caller: Caller, body: RedemptionIn) -> tuple[RedemptionView, bool]:
        """The redemption, and whether it was there already. Raises the refusals of `problems`; nothing is written then."""
        shop_id = problems.staff_shop(caller)
        async with (
            self._attempts.admit(till_of(caller), None, staff=caller.key_id) as attempt,
            self._kit.db.write() as tx,
        ):
            coupon_id, life = await self._shown(tx, body, attempt)
            coupon = await self._posting.lock(tx, coupon_id)
            if coupon is None or not _named_rightly(caller, body, coupon):
                attempt.failed()
                raise problems.unknown_token()
            known = await repository.find_standing(tx, coupon_id)
            receipt = (caller.owner_id, shop_id, body.order_ref)
            if known is not None and (known.owner_id, known.shop_id, known.order_ref) == receipt:
                return RedemptionView.model_validate(known), True
            self._refuse_unusable(coupon, life)
            amount = await self._pricing.discount(tx, coupon, shop_id, body)
            if isinstance(amount, RejectedView):
                raise problems.refused(amount)
            posted = await self._posting.post(tx, caller, coupon, body.order_ref, amount)
            if posted is None:
                raise problems.over_budget()
            return RedemptionView.model_validate(await repository.find(tx, posted)), False

    async def _shown(self, tx: Transaction, body: RedemptionIn, attempt: Attempt) -> tuple[str, Life | None]:
        """Which coupon is meant, and when what was shown holds. A wrong guess is counted."""
        if body.token is not None:
            claims = await self._signing.verify(tx, body.token)
            if claims is not None:
                return claims.coupon_id, (claims.issued_at, claims.expires_at)
        elif body.short_code is not None:
            code = read_short_code(body.short_code)
            if code is None:
                raise problems.mistyped()
            row = await repository.find_token_of_code(tx, code)
            if row is not None:
                return row.coupon_id, (row.issued_at, row.expires_at)
        elif body.coupon_id is not None:
            return body.coupon_id, None
        attempt.failed()
        raise problems.unknown_token()

    def _refuse_unusable(self, coupon: Coupon, life: Life | None) -> None:
        now = self._kit.clock.now()
        status = effective(coupon.status, coupon.valid_until, coupon.locked_until, now)
        if coupon.status != "issued" or status != "issued":
            raise problems.unusable("locked" if coupon.status == "locked" else status)
        if life is not None and not within_life(*life, now):
            raise problems.too_old()


def _named_rightly(caller: Caller, body: RedemptionIn, coupon: Coupon) -> bool:
    """What a customer shows opens their coupon to any till. One that is only named is the named customer's, and the caller's
    to know.
    """
    return body.coupon_id is None or (coupon.customer_id == body.customer_id and caller.sees(coupon.owner_id))
