"""The room of proofs: what must hold over all other rooms' tables."""

from dataclasses import dataclass

from services.journey.actions.room import ActionsRoom
from services.journey.audit.api import router
from services.journey.audit.queries import Audit
from services.journey.definition.room import DefinitionRoom
from services.journey.engine.room import EngineRoom
from services.journey.inbox.room import InboxRoom
from services.journey.settings import JourneySettings
from shared.room import Room
from shared.service import Kit


@dataclass(eq=False)
class AuditRoom(Room):
    """Offers nothing, and reads the tables of those that it stands on."""

    kit: Kit
    settings: JourneySettings
    inbox: InboxRoom
    definition: DefinitionRoom
    actions: ActionsRoom
    engine: EngineRoom

    def __post_init__(self) -> None:
        self.routers = [router]
        self.provides = [Audit(self.kit, self.settings)]
