"""The room of facts about customers."""

from services.coupon.audience.handlers import on_membership, on_tracked
from shared.contracts import EventsTracked, SegmentEntered, SegmentExited
from shared.messaging import Subscription
from shared.room import Room


class AudienceRoom(Room):
    """Offers nothing that is built: the facts are rows, and `knowing.py` reads them in the transaction of who asks."""

    def __init__(self) -> None:
        self.subscriptions = [
            Subscription("coupon.segments", (SegmentEntered, SegmentExited), on_membership),
            Subscription("coupon.customers", (EventsTracked,), on_tracked),
        ]
