"""The room of the customer view 客户视图: all that is known of one person, in one place."""

from dataclasses import dataclass

from services.segments.customer_view.api import router
from services.segments.customer_view.queries import CustomerViews
from services.segments.events.room import EventsRoom
from services.segments.membership.room import MembershipRoom
from services.segments.profiles.room import ProfilesRoom
from shared.room import Room
from shared.service import Kit


@dataclass(eq=False)
class CustomerViewRoom(Room):
    """Offers nothing, and reads what the rooms below know of somebody."""

    kit: Kit
    profiles: ProfilesRoom
    events: EventsRoom
    membership: MembershipRoom

    def __post_init__(self) -> None:
        self.routers = [router]
        self.provides = [CustomerViews(self.kit)]
