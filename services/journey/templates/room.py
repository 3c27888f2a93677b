"""The room of message templates 消息模板."""

from dataclasses import dataclass

from services.journey.customers.room import CustomersRoom
from services.journey.settings import JourneySettings
from services.journey.templates.api import router
from services.journey.templates.cache import TemplateCache
from services.journey.templates.management import Templates
from shared.http import EgressClient
from shared.room import Room
from shared.service import Kit


@dataclass(eq=False)
class TemplatesRoom(Room):
    """Offers `cache` (renders), `management` (knows where a webhook may go) and `egress` (by which webhooks go out)."""

    kit: Kit
    settings: JourneySettings
    customers: CustomersRoom

    def __post_init__(self) -> None:
        settings = self.settings
        private = settings.webhooks_allow_private or settings.webhooks_allowed_private
        self.egress = EgressClient(allow_private=private, total_seconds=settings.webhook_timeout_seconds)
        self.cache = TemplateCache()
        self.management = Templates(self.kit, self.egress)
        self.routers = [router]
        self.provides = [self.management]
        self.resources = [lambda: self.egress]
