"""The room of what operators draw: journeys 旅程, their versions, and what makes one publishable."""

import asyncio
from dataclasses import dataclass

from services.journey.definition.api import router
from services.journey.definition.cache import DefinitionCache
from services.journey.definition.handlers import on_segment, on_template
from services.journey.definition.management import Journeys
from services.journey.definition.publishing import Publishing
from services.journey.settings import JourneySettings
from services.journey.templates.room import TemplatesRoom
from shared.contracts import CouponTemplateChanged, SegmentChanged
from shared.messaging import Subscription
from shared.room import Room
from shared.service import Kit


@dataclass(eq=False)
class DefinitionRoom(Room):
    """Offers the `cache` of versions, and `status_changed`, which is set when a journey was published, paused or stopped."""

    kit: Kit
    settings: JourneySettings
    templates: TemplatesRoom

    def __post_init__(self) -> None:
        self.cache = DefinitionCache()
        self.status_changed = asyncio.Event()
        journeys, wake = Journeys(self.kit), self.status_changed.set
        publishing = Publishing(self.kit, self.settings, journeys, self.templates.management, wake)
        self.routers = [router]
        self.provides = [journeys, publishing]
        self.subscriptions = [
            Subscription("journey.known_templates", (CouponTemplateChanged,), on_template),
            Subscription("journey.known_segments", (SegmentChanged,), on_segment),
        ]
