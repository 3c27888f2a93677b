"""The room of webhooks from the world: who may post, and the messages that their deliveries become."""

from datetime import timedelta

from gateway.audit_log.room import AuditLogRoom
from gateway.limits.room import LimitsRoom
from gateway.settings import GatewaySettings
from gateway.webhooks_in.accepting import Accepting
from gateway.webhooks_in.api import router
from gateway.webhooks_in.management import Sources
from gateway.webhooks_in.models import Received
from shared.pruning import Pruner
from shared.room import Room
from shared.service import Kit, Loop


class WebhooksInRoom(Room):
    """Offers nothing to other rooms: what it hears goes to the services as messages."""

    def __init__(self, kit: Kit, settings: GatewaySettings, audit_log: AuditLogRoom, limits: LimitsRoom) -> None:
        accepting = Accepting(kit, limits.rates)
        kept = {Received.c.last_at: timedelta(days=settings.webhooks_in_keep_days)}
        self.routers = [router]
        self.provides = [Sources(kit, audit_log.log), accepting]
        self.loops = [
            Loop("note unproven webhooks", accepting.note_failures, 10),
            Loop("prune received webhooks", Pruner(kit.db, kit.clock, kept).tick, 3600),
        ]
        self.resources = [accepting.group.running]
