"""The room of dry runs 试运行: a journey played without effects."""

from dataclasses import dataclass

from services.journey.customers.room import CustomersRoom
from services.journey.definition.room import DefinitionRoom
from services.journey.dry_runs.api import router
from services.journey.dry_runs.queries import DryRuns
from services.journey.engine.room import EngineRoom
from services.journey.templates.room import TemplatesRoom
from shared.room import Room
from shared.service import Kit


@dataclass(eq=False)
class DryRunsRoom(Room):
    """Offers nothing to other rooms. What it plays by are the engine's own pure rules."""

    kit: Kit
    customers: CustomersRoom
    templates: TemplatesRoom
    definition: DefinitionRoom
    engine: EngineRoom

    def __post_init__(self) -> None:
        self.routers = [router]
        self.provides = [DryRuns(self.kit, self.definition.cache, self.templates.cache)]
