"""Messages in: journeys ask for coupons."""

from services.coupon.wallet import repository
from services.coupon.wallet.granting import Granting
from services.coupon.wishes import Granted, Wish
from shared.contracts import CouponIssueRefused, CouponRequested, Envelope
from shared.db import Transaction
from shared.service import Kit


class JourneyRequests:
    """Answers `journey.coupon_requested` with `coupon.issued` or `coupon.issue_refused`, once for each reference."""

    def __init__(self, kit: Kit, granting: Granting) -> None:
        self._kit = kit
        self._granting = granting

    async def on_requested(self, tx: Transaction, event: CouponRequested, _envelope: Envelope) -> None:
        """Give the coupon that a journey asks for, or tell why not."""
        row = {
            "reference": event.reference,
            "template_id": event.template_id,
            "customer_id": event.customer_id,
            "created_at": self._kit.clock.now(),
        }
        if not await repository.insert_request(tx, row):
            return  # answered already; the first answer stands
        actor = f"journey:{event.journey_id}"
        reason = f"journey run {event.run_id}"
        wish = Wish(
            template_id=event.template_id,
            customer_id=event.customer_id,
            source="journey",
            actor=actor,
            reason=reason,
            reference=event.reference,
        )
        answer = (await self._granting.grant(tx, [wish]))[0]
        if isinstance(answer, Granted):
            outcome: dict[str, str] = {"coupon_id": answer.coupon_id}
        else:
            outcome = {"code": answer.code}
            refused = CouponIssueRefused(
                reference=event.reference,
                template_id=event.template_id,
                customer_id=event.customer_id,
                code=answer.code,
                detail=answer.detail,
            )
            await self._kit.outbox.publish(tx, [refused])
        await repository.answer_request(tx, event.reference, outcome)
