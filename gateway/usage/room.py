"""The room of usage."""

from gateway.keys.room import KeysRoom
from gateway.limits.room import LimitsRoom
from gateway.settings import GatewaySettings
from gateway.usage.api import router
from gateway.usage.counter import CARRY_SECONDS, UsageCounter
from gateway.usage.management import Usage
from shared.loops import Loop
from shared.roles import Role
from shared.room import Room
from shared.service import Kit


class UsageRoom(Room):
    """Offers `counter`, which the door tells of each call."""

    def __init__(self, kit: Kit, settings: GatewaySettings, limits: LimitsRoom, keys: KeysRoom) -> None:
        self.counter = UsageCounter(kit, limits.calendar)
        usage = Usage(kit, limits.calendar, keys.cache)
        self.routers = [router]
        self.provides = [usage]
        self.loops = [
            Loop("carry usage", self.counter.carry, CARRY_SECONDS, wake=self.counter.wake, role=Role.API),
            Loop("prune usage", usage.prune, 3600.0, timed=True),
        ]
        self.resources = [self.counter.running] if settings.role.answers else []
