"""Messages in: who entered or left a segment, and what customers did."""

from services.coupon.audience import repository, rules
from shared.contracts import Envelope, EventsTracked, SegmentEntered, SegmentExited
from shared.db import Transaction


async def on_membership(tx: Transaction, event: SegmentEntered | SegmentExited, _envelope: Envelope) -> None:
    """Keep the copy. A person without a customer id owns no coupons, so nothing is kept of them."""
    if event.customer_id is not None:
        member = isinstance(event, SegmentEntered)
        await repository.remember(tx, event.segment_id, event.customer_id, member, event.at)


async def on_tracked(tx: Transaction, batch: EventsTracked, _envelope: Envelope) -> None:
    """Learn tiers, first sights and completed orders; imported history counts like what happens now.

    Money hangs on them, so only the merchant is believed: a shopper could name any tier, or another's first order.
    """
    believed = [event for event in batch.events if event.vouched]
    await repository.learn(tx, rules.people(believed))
    await repository.add_orders(tx, rules.orders(believed))
