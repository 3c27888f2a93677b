"""The room of facts about customers."""

from dataclasses import dataclass

from services.coupon.audience.handlers import on_membership, on_tracked
from services.coupon.audience.queries import Audience, History
from services.coupon.templates.room import TemplatesRoom
from shared.contracts import EventsTracked, SegmentEntered, SegmentExited
from shared.messaging import Subscription
from shared.room import Room


@dataclass(eq=False)
class AudienceRoom(Room):
    """Offers `queries`: the facts about customers, read in the transaction of who asks."""

    history: History
    templates: TemplatesRoom

    def __post_init__(self) -> None:
        self.queries = Audience(self.history)
        self.subscriptions = [
            Subscription("coupon.segments", (SegmentEntered, SegmentExited), on_membership),
            Subscription("coupon.customers", (EventsTracked,), on_tracked),
        ]
