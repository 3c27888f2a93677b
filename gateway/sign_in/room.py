"""The room of signing in."""

from datetime import timedelta

from gateway.accounts.room import AccountsRoom
from gateway.audit_log.room import AuditLogRoom
from gateway.settings import GatewaySettings
from gateway.sign_in import pages
from gateway.sign_in.api import router
from gateway.sign_in.cache import SessionCache
from gateway.sign_in.guesses import GuessCounter
from gateway.sign_in.models import Guesses, OperatorSession
from gateway.sign_in.own_account import OwnAccount
from gateway.sign_in.sessions import Sessions
from gateway.sign_in.sign_in import SignIn
from shared.loops import Loop
from shared.pruning import Pruner
from shared.roles import Role
from shared.room import Room
from shared.service import Kit

_GUESSES_KEPT, _SESSIONS_KEPT = timedelta(days=2), timedelta(days=30)


class SignInRoom(Room):
    """Offers `cache`: who holds a session, as the hot path asks it."""

    def __init__(self, kit: Kit, settings: GatewaySettings, audit_log: AuditLogRoom, accounts: AccountsRoom) -> None:
        self.cache = SessionCache(kit, settings)
        accounts.accounts.ended.append(self.cache.forget_account)
        sessions = Sessions(kit, settings, audit_log.log, self.cache)
        guesses = GuessCounter(kit)
        self.routers = [router, pages.router]
        self.provides = [
            SignIn(kit, accounts, audit_log.log, sessions, self.cache, guesses),
            OwnAccount(kit, accounts, audit_log.log, sessions, guesses),
        ]
        forgotten = {Guesses.c.last_at: _GUESSES_KEPT, OperatorSession.c.expires_at: _SESSIONS_KEPT}
        self.loops = [
            Loop("note session uses", self.cache.note_uses, 60, timed=True, role=Role.API),
            Loop("prune sessions and guesses", Pruner(kit.db, kit.clock, forgotten).tick, 3600.0, timed=True),
        ]
