"""The room of webhooks from the world: who may post, and the messages that their deliveries become."""

from dataclasses import dataclass
from datetime import timedelta

from gateway.audit_log.room import AuditLogRoom
from gateway.keys.room import KeysRoom
from gateway.limits.room import LimitsRoom
from gateway.settings import GatewaySettings
from gateway.webhooks_in.accepting import Accepting
from gateway.webhooks_in.api import router
from gateway.webhooks_in.management import Sources
from gateway.webhooks_in.models import KeptBody, Received
from gateway.webhooks_in.replaying import ReplayingReceived
from shared.loops import Loop
from shared.pruning import Pruner
from shared.roles import Role
from shared.room import Room
from shared.service import Kit


@dataclass(eq=False)
class WebhooksInRoom(Room):
    """Offers nothing to other rooms: what it hears goes to the services as messages."""

    kit: Kit
    settings: GatewaySettings
    audit_log: AuditLogRoom
    limits: LimitsRoom
    keys: KeysRoom

    def __post_init__(self) -> None:
        days = self.settings.webhooks_in_bodies_keep_days
        accepting = Accepting(self.kit, self.limits.rates, keeps_bodies=days > 0)
        kept = {
            Received.c.last_at: timedelta(days=self.settings.webhooks_in_keep_days),
            KeptBody.c.kept_at: timedelta(days=days),
        }
        self.routers = [router]
        self.provides = [
            Sources(self.kit, self.audit_log.log),
            ReplayingReceived(self.kit, self.audit_log.log),
            accepting,
        ]
        self.loops = [
            Loop("note unproven webhooks", accepting.note_failures, 10, timed=True, role=Role.API),
            Loop("prune received webhooks", Pruner(self.kit.db, self.kit.clock, kept).tick, 3600, timed=True),
        ]
        self.resources = [accepting.group.running]
