"""The room of the in-app inbox 站内信."""

from dataclasses import dataclass

from services.journey.inbox.api import router
from services.journey.inbox.management import Inbox
from shared.room import Room
from shared.service import Kit


@dataclass(eq=False)
class InboxRoom(Room):
    """Offers functions alone: a message is put into an inbox in the transaction of who sends it."""

    kit: Kit

    def __post_init__(self) -> None:
        self.routers = [router]
        self.provides = [Inbox(self.kit)]
