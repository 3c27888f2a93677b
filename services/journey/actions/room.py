"""The room of what journeys do: questions to other services, messages to customers, and the ledger of both."""

from dataclasses import dataclass

from services.journey.actions.api import router
from services.journey.actions.messages import AtOnce, Messages, Queued
from services.journey.actions.queries import MessageLedger
from services.journey.actions.questions import Questions
from services.journey.actions.worker import WebhookWorker, WhyEnded
from services.journey.inbox.repository import insert_messages
from services.journey.inbox.room import InboxRoom
from services.journey.settings import JourneySettings
from services.journey.templates.room import TemplatesRoom
from shared.loops import Loop
from shared.room import Room
from shared.service import Kit


@dataclass(eq=False)
class ActionsRoom(Room):
    """Offers `questions` and `messages`, which write in the transaction of the step. `why_ended` is asked of the engine."""

    kit: Kit
    settings: JourneySettings
    why_ended: WhyEnded
    templates: TemplatesRoom
    inbox: InboxRoom

    def __post_init__(self) -> None:
        worker = WebhookWorker(self.kit, self.settings, self.templates.egress, self.why_ended)
        self.questions = Questions()
        self.messages = Messages({"inbox": AtOnce(insert_messages), "webhook": Queued(worker.wake.set)})
        self.routers = [router]
        self.provides = [MessageLedger(self.kit)]
        self.loops = [Loop("send webhook messages", worker.tick, 1.0, wake=worker.wake)]
        self.resources = [worker.running]
