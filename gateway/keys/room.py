"""The room of API keys."""

from gateway.audit_log.room import AuditLogRoom
from gateway.keys.administrator import Administrator
from gateway.keys.api import router
from gateway.keys.cache import KeyCache
from gateway.keys.key_file import KeyFile
from gateway.keys.known import Known
from gateway.keys.management import Keys
from gateway.keys.signing_secrets import SigningSecrets
from gateway.limits.room import LimitsRoom
from gateway.route_table import RouteTable
from gateway.settings import GatewaySettings
from shared.loops import Loop
from shared.roles import Role
from shared.room import Room
from shared.service import Kit


class KeysRoom(Room):
    """Offers `cache`: who holds a key, as the hot path asks it; and `administrator`, whose key comes first."""

    def __init__(
        self, kit: Kit, settings: GatewaySettings, audit_log: AuditLogRoom, limits: LimitsRoom, table: RouteTable
    ) -> None:
        self.cache = KeyCache(kit)
        self.routers = [router]
        self.key_file = KeyFile(settings.data_dir)
        self.administrator = Administrator(kit, settings, audit_log.log, self.key_file)
        keys = Keys(kit, self.cache, audit_log.log, self.key_file, Known(table, limits.periods))
        self.provides = [keys, SigningSecrets(kit, keys, self.cache, audit_log.log)]
        self.loops = [
            Loop("note key uses", self.cache.note_uses, 60, timed=True, role=Role.API),
            Loop("take up key changes", self.cache.refresh, 1, wake=self.cache.wake, role=Role.ALL),
        ]
        self.resources = [*([self.administrator.running] if settings.role.answers else ()), self.cache.running]
