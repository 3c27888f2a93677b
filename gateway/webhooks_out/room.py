"""The room of webhooks to the world: endpoints, and the deliveries to them."""

from dataclasses import dataclass

from gateway.audit_log.room import AuditLogRoom
from gateway.keys.room import KeysRoom
from gateway.settings import GatewaySettings
from gateway.webhooks_out.api import router
from gateway.webhooks_out.handlers import Fanout
from gateway.webhooks_out.management import Endpoints
from gateway.webhooks_out.replaying import Replaying
from gateway.webhooks_out.worker import DeliveryWorker
from shared.http import EgressClient
from shared.loops import Loop
from shared.room import Room
from shared.service import Kit


@dataclass(eq=False)
class WebhooksOutRoom(Room):
    """Hears every public event. Its `worker` sends what is due."""

    kit: Kit
    settings: GatewaySettings
    audit_log: AuditLogRoom
    keys: KeysRoom

    def __post_init__(self) -> None:
        kit, settings, log = self.kit, self.settings, self.audit_log.log
        egress = EgressClient(
            allow_private=settings.webhooks_allow_private or settings.webhooks_allowed_private,
            connect_seconds=settings.webhooks_out_connect_seconds,
            total_seconds=settings.webhooks_out_total_seconds,
        )
        self.worker = DeliveryWorker(kit, settings, egress, log)
        fanout = Fanout(kit, self.worker.wake)
        self.routers = [router]
        self.provides = [Endpoints(kit, egress, fanout, log), Replaying(kit, fanout, log)]
        self.subscriptions = [fanout.subscription()]
        self.loops = [
            Loop("deliver webhooks", self.worker.tick, 0.5, wake=self.worker.wake),
            Loop("prune deliveries", self.worker.prune, 3600, timed=True),
        ]
        self.resources = [self.worker.running]
