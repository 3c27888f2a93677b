"""The room of the hot path: the public application."""

from dataclasses import dataclass

from gateway.docs.portal import Portal
from gateway.forwarding.embedded import AsgiForwarder
from gateway.forwarding.room import ForwardingRoom
from gateway.keys.room import KeysRoom
from gateway.limits.room import LimitsRoom
from gateway.proxy.public_app import PublicApp
from gateway.route_table import RouteTable
from gateway.settings import GatewaySettings
from gateway.sign_in.room import SignInRoom
from shared.room import Room


@dataclass(eq=False)
class ProxyRoom(Room):
    """Offers `app`, which stands in front of everything; the gateway's own paths go to `portal`."""

    settings: GatewaySettings
    table: RouteTable
    forwarding: ForwardingRoom
    keys: KeysRoom
    sign_in: SignInRoom
    limits: LimitsRoom
    portal: Portal

    def __post_init__(self) -> None:
        upstreams = {**self.forwarding.upstreams, "gateway": AsgiForwarder(self.portal)}
        caches = self.keys.cache, self.sign_in.cache
        self.app = PublicApp(self.settings, self.table, upstreams, *caches, self.limits.rates)
