"""The room of what operators and programs do with runs: let a customer enter, look at runs, count them."""

from dataclasses import dataclass

from services.journey.actions.room import ActionsRoom
from services.journey.definition.room import DefinitionRoom
from services.journey.engine.room import EngineRoom
from services.journey.runs.api import router
from services.journey.runs.management import Runs
from shared.room import Room
from shared.service import Kit


@dataclass(eq=False)
class RunsRoom(Room):
    """Offers nothing to other rooms."""

    kit: Kit
    definition: DefinitionRoom
    actions: ActionsRoom
    engine: EngineRoom

    def __post_init__(self) -> None:
        self.routers = [router]
        self.provides = [Runs(self.kit, self.definition.cache, self.engine.enrolling)]
