"""The gateway, put together: this file is its diagram. Each room stands on those that it names.

What a room offers and adds is told by its `room.py`.
"""

from collections.abc import Mapping

from gateway.accounts.room import AccountsRoom
from gateway.audit_log.room import AuditLogRoom
from gateway.base import Base
from gateway.docs.room import DocsRoom
from gateway.forwarding.port import Forwarder
from gateway.forwarding.room import ForwardingRoom
from gateway.keys.room import KeysRoom
from gateway.limits.room import LimitsRoom
from gateway.proxy.room import ProxyRoom
from gateway.route_table import RouteTable
from gateway.settings import GatewaySettings
from gateway.sign_in.room import SignInRoom
from gateway.signatures.room import SignaturesRoom
from gateway.usage.room import UsageRoom
from gateway.webhooks_in.room import WebhooksInRoom
from gateway.webhooks_out.room import WebhooksOutRoom
from shared.clock import Clock
from shared.messaging import Bus
from shared.readiness import Standing
from shared.room import join
from shared.service import Kit, Service
from shared.web import PartApp


class Gateway(Service):
    """A service like the others, with the public application as `app`. `admin` is the administrative API behind it."""

    admin: PartApp
    forwarding: ForwardingRoom
    keys: KeysRoom
    accounts: AccountsRoom
    limits: LimitsRoom
    usage: UsageRoom
    webhooks_out: WebhooksOutRoom

    async def readiness(self) -> list[Standing]:
        """How the gateway is, and each part behind it: those in other processes are not required for its own work."""
        behind = await self.forwarding.readiness() if self.role.answers else []
        return await super().readiness() + behind


def create_gateway(
    settings: GatewaySettings,
    bus: Bus,
    clock: Clock,
    upstreams: Mapping[str, Forwarder],
    table: RouteTable | None = None,
) -> Gateway:
    """The gateway in front of `upstreams`, by part name. `table` is another route table, for tests."""
    kit = Kit.create("gateway", settings, bus, clock, base=Base, migrations="gateway.migrations")
    table = table or RouteTable()

    # Who calls, and how often; the parts behind, and what they document.
    audit_log = AuditLogRoom(kit, settings)
    limits = LimitsRoom(kit, settings)
    keys = KeysRoom(kit, settings, audit_log, limits, table)
    usage = UsageRoom(kit, settings, limits, keys)
    accounts = AccountsRoom(kit, audit_log)
    signatures = SignaturesRoom(kit, keys)
    sign_in = SignInRoom(kit, settings, audit_log, accounts)
    forwarding = ForwardingRoom(upstreams, clock, settings.overload_seconds)
    docs = DocsRoom(table, forwarding)

    # What partners hear, and what they tell.
    webhooks_out = WebhooksOutRoom(kit, settings, audit_log, keys)
    webhooks_in = WebhooksInRoom(kit, settings, audit_log, limits, keys)

    # Their routes are the administrative API. In front of it, and of all parts, stands what the public meets.
    rooms = [forwarding, limits, keys, signatures, accounts, sign_in, webhooks_out, webhooks_in, docs, audit_log, usage]
    gateway = join(kit, rooms, kind=Gateway)
    gateway.admin = gateway.app
    gateway.forwarding, gateway.keys, gateway.limits = forwarding, keys, limits
    gateway.accounts, gateway.usage, gateway.webhooks_out = accounts, usage, webhooks_out
    proxy = ProxyRoom(
        settings, table, forwarding, keys, sign_in, signatures, limits, usage, audit_log, docs.portal(gateway.admin)
    )
    gateway.app = proxy.app
    return gateway
