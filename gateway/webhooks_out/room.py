"""The room of webhooks to the world: endpoints, and the deliveries to them."""

from dataclasses import dataclass

from gateway.audit_log.room import AuditLogRoom
from gateway.keys.room import KeysRoom
from gateway.metrics import WEBHOOK_ENDPOINTS, WEBHOOKS_OUT_OLDEST, WEBHOOKS_OUT_OVERDUE
from gateway.settings import GatewaySettings
from gateway.webhooks_out import figures_repository
from gateway.webhooks_out.api import router
from gateway.webhooks_out.handlers import Fanout
from gateway.webhooks_out.management import Endpoints
from gateway.webhooks_out.replaying import Replaying
from gateway.webhooks_out.worker import DeliveryWorker
from shared.figures import Figure
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
        self.figures = [self._figures] if settings.role.works else []

    async def _figures(self) -> list[Figure]:
        now, name = self.kit.clock.now(), self.kit.name
        async with self.kit.db.read() as tx:
            pressing = await figures_repository.pressing(tx, now)
            states = await figures_repository.count_states(tx)
        late, old = ((now - (at or now)).total_seconds() for at in pressing)
        found = [Figure(WEBHOOKS_OUT_OVERDUE, (name,), max(late, 0)), Figure(WEBHOOKS_OUT_OLDEST, (name,), max(old, 0))]
        return found + [Figure(WEBHOOK_ENDPOINTS, (state,), number) for state, number in states.items()]
