"""The room of the hot path: the public application."""

from dataclasses import dataclass

from gateway.audit_log.room import AuditLogRoom
from gateway.docs.portal import Portal
from gateway.forwarding.embedded import AsgiForwarder
from gateway.forwarding.room import ForwardingRoom
from gateway.keys.room import KeysRoom
from gateway.limits.room import LimitsRoom
from gateway.proxy.admission import Admission, Proofs
from gateway.proxy.own_pages import OwnPages
from gateway.proxy.public_app import PublicApp
from gateway.proxy.witness import Witness
from gateway.route_table import RouteTable
from gateway.settings import GatewaySettings
from gateway.sign_in.room import SignInRoom
from gateway.signatures.room import SignaturesRoom
from gateway.usage.room import UsageRoom
from shared.room import Room


@dataclass(eq=False)
class ProxyRoom(Room):
    """Offers `app`, which stands in front of everything; the gateway's own paths go to `portal`."""

    settings: GatewaySettings
    table: RouteTable
    forwarding: ForwardingRoom
    keys: KeysRoom
    sign_in: SignInRoom
    signatures: SignaturesRoom
    limits: LimitsRoom
    usage: UsageRoom
    audit_log: AuditLogRoom
    portal: Portal

    def __post_init__(self) -> None:
        settings, rates = self.settings, self.limits.rates
        upstreams = self.forwarding.bounded({"gateway": AsgiForwarder(self.portal)})
        admission = Admission(
            Proofs(self.keys.cache, self.sign_in.cache, self.signatures.signatures),
            rates,
            self.usage.counter,
            OwnPages(settings.console_origins),
            host_only=settings.environment == "production",
        )
        witness = Witness(self.audit_log.log, self.table)
        self.app = PublicApp(settings, self.table, upstreams, admission, rates, witness)
