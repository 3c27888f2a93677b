"""The room of the hot path: the public application."""

from gateway.docs.portal import Portal
from gateway.forwarding.embedded import AsgiForwarder
from gateway.forwarding.room import ForwardingRoom
from gateway.keys.room import KeysRoom
from gateway.limits.room import LimitsRoom
from gateway.proxy.public_app import PublicApp
from gateway.route_table import RouteTable
from gateway.settings import GatewaySettings
from shared.room import Room


class ProxyRoom(Room):
    """Offers `app`, which stands in front of everything; the gateway's own paths go to `portal`."""

    def __init__(
        self,
        settings: GatewaySettings,
        table: RouteTable,
        forwarding: ForwardingRoom,
        keys: KeysRoom,
        limits: LimitsRoom,
        portal: Portal,
    ) -> None:
        upstreams = {**forwarding.upstreams, "gateway": AsgiForwarder(portal)}
        self.app = PublicApp(settings, table, upstreams, keys.cache, limits.rates)
