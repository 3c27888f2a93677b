"""The segments service, put together: this file is its diagram. Each room stands on those that it names.

What a room offers and adds is told by its `room.py`. `rule_language/` is no room: it is pure, and all
speak it.
"""

from services.segments.audit.room import AuditRoom
from services.segments.base import Base
from services.segments.customer_view.room import CustomerViewRoom
from services.segments.events.room import EventsRoom
from services.segments.imports.room import ImportsRoom
from services.segments.membership.room import MembershipRoom
from services.segments.profiles.room import ProfilesRoom
from services.segments.settings import SegmentsSettings
from services.segments.tracking.room import TrackingRoom
from shared.clock import Clock
from shared.messaging import Bus
from shared.room import join
from shared.service import Kit, Service

DESCRIPTION = "Events in, people recognised, audiences kept up to date."


def create_service(settings: SegmentsSettings, bus: Bus, clock: Clock) -> Service:
    """The whole service on the given bus and clock. Opens nothing before it runs."""
    kit = Kit.create("segments", settings, bus, clock, base=Base, migrations="services.segments.migrations")

    # What is stored of people, and who is therefore in which segment.
    profiles = ProfilesRoom()
    events = EventsRoom()
    membership = MembershipRoom(kit, settings, profiles, events)

    # The ways in.
    tracking = TrackingRoom(kit, settings, profiles, events, membership)
    imports = ImportsRoom(kit, settings, events, tracking)

    # What is looked at afterwards.
    customer_view = CustomerViewRoom(kit, profiles, events, membership)
    audit = AuditRoom(kit, profiles, membership)

    return join(kit, [profiles, events, tracking, customer_view, membership, imports, audit], description=DESCRIPTION)
