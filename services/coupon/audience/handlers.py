"""Messages in: who entered or left a segment."""

from services.coupon.audience import repository
from shared.contracts import Envelope, SegmentEntered, SegmentExited
from shared.db import Transaction


async def on_membership(tx: Transaction, event: SegmentEntered | SegmentExited, _envelope: Envelope) -> None:
    """Keep the copy. A person without a customer id owns no coupons, so nothing is kept of them."""
    if event.customer_id is not None:
        member = isinstance(event, SegmentEntered)
        await repository.remember(tx, event.segment_id, event.customer_id, member, event.at)
