"""The journey service (旅程编排), put together: this file is its diagram. Each room stands on those that it names.

What a room offers and adds is told by its `room.py`.
"""

from services.journey.actions.room import ActionsRoom
from services.journey.audit.room import AuditRoom
from services.journey.base import Base
from services.journey.customers.room import CustomersRoom
from services.journey.definition.room import DefinitionRoom
from services.journey.dry_runs.room import DryRunsRoom
from services.journey.engine.repository import why_ended
from services.journey.engine.room import EngineRoom
from services.journey.inbox.room import InboxRoom
from services.journey.runs.room import RunsRoom
from services.journey.settings import JourneySettings
from services.journey.templates.room import TemplatesRoom
from shared.clock import Clock
from shared.messaging import Bus
from shared.room import join
from shared.service import Kit, Service

DESCRIPTION = "Journeys: what happens to one customer, step by step, over hours and months."


def create_service(settings: JourneySettings, bus: Bus, clock: Clock) -> Service:
    """The whole service on the given bus and clock. Opens nothing before it runs."""
    kit = Kit.create("journey", settings, bus, clock, base=Base, migrations="services.journey.migrations")

    # What is drawn and written, and whom it is for.
    customers = CustomersRoom()
    templates = TemplatesRoom(kit, settings, customers)
    definition = DefinitionRoom(kit, settings, templates)

    # What happens. Whether a run was ended before its message went out is known above, so it is handed in as a function.
    inbox = InboxRoom(kit)
    actions = ActionsRoom(kit, settings, why_ended, templates, inbox)
    engine = EngineRoom(kit, settings, customers, templates, definition, actions)

    # What is looked at.
    runs = RunsRoom(kit, definition, actions, engine)
    dry_runs = DryRunsRoom(kit, customers, templates, definition, engine)
    audit = AuditRoom(kit, settings, inbox, definition, actions, engine)

    return join(
        kit,
        [definition, engine, runs, dry_runs, templates, actions, inbox, customers, audit],
        description=DESCRIPTION,
    )
