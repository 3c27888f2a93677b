"""The room of operators' accounts."""

from datetime import timedelta

from gateway.accounts.api import router
from gateway.accounts.links import Links
from gateway.accounts.management import Accounts
from gateway.accounts.models import AccountLink
from gateway.accounts.passwords import Passwords
from gateway.accounts.second_factor import SecondFactor
from gateway.audit_log.room import AuditLogRoom
from shared.loops import Loop
from shared.pruning import Pruner
from shared.room import Room
from shared.service import Kit

_SPENT_LINKS_KEPT = timedelta(days=30)


class AccountsRoom(Room):
    """Offers `accounts`, and what signing in asks of them: `passwords`, `factor`, `links`."""

    def __init__(self, kit: Kit, audit_log: AuditLogRoom) -> None:
        self.passwords = Passwords()
        self.factor = SecondFactor(kit)
        self.links = Links(kit)
        self.accounts = Accounts(kit, audit_log.log, self.links, self.factor)
        self.routers = [router]
        self.provides = [self.accounts]
        spent = Pruner(kit.db, kit.clock, {AccountLink.c.expires_at: _SPENT_LINKS_KEPT})
        self.loops = [Loop("prune account links", spent.tick, 3600.0, timed=True)]
