"""Sessions are opened, listed and ended. A token is made anew whenever what its holder may do changes."""

import secrets
from datetime import timedelta
from typing import NamedTuple

from gateway.accounts import repository as accounts_repository
from gateway.accounts.models import Account
from gateway.accounts.rules import digest
from gateway.audit_log.log import AuditLog
from gateway.metrics import SIGN_INS
from gateway.settings import GatewaySettings
from gateway.sign_in import repository
from gateway.sign_in.cache import SessionCache
from gateway.sign_in.models import OperatorSession, Stage
from gateway.sign_in.rules import browser_token, csrf_token, session_token
from shared.db import Transaction
from shared.ids import new_id
from shared.service import Kit
from shared.web import MERCHANT, Caller

_FOR_SECOND_FACTOR = timedelta(minutes=10)
BROWSER_KNOWN = timedelta(days=365)


class Visitor(NamedTuple):
    """Who asks: from which network, with which browser (as it calls itself), and with which of our cookies."""

    address: str
    browser: str
    session: str | None
    known: str | None
    """The cookie that says that this browser is known."""


class Opening(NamedTuple):
    """A session just opened: what the browser keeps, and for how long. `known` is None before the second factor."""

    token: str
    known: str | None
    life: timedelta
    stage: Stage
    account_id: str

    @property
    def csrf(self) -> str:
        """What our pages send with every call that changes something."""
        return csrf_token(self.token)


class Sessions:
    """Every method works in its caller's transaction."""

    def __init__(self, kit: Kit, settings: GatewaySettings, log: AuditLog, cache: SessionCache) -> None:
        self._clock = kit.clock
        self._secret = kit.secret
        self._log = log
        self._cache = cache
        self._life = timedelta(hours=settings.session_hours)
        self._idle = timedelta(minutes=settings.session_idle_minutes)

    async def open(self, tx: Transaction, account: Account, visitor: Visitor, how: str) -> Opening:
        """A full session for who has proved all there is to prove, in place of the one that the browser had."""
        now = self._clock.now()
        await accounts_repository.update_account(tx, account.id, {"last_sign_in_at": now})
        opening = await self._insert(tx, account, visitor, "full")
        await self._log.record(tx, staff(account.id), "account.sign_in", account.id, how=how)
        tx.after_commit(lambda: SIGN_INS.labels("signed_in").inc())
        known = browser_token(account.id, secrets.token_bytes(12), self._secret)
        return opening._replace(known=known)

    async def open_or_wait(self, tx: Transaction, account: Account, visitor: Visitor, how: str) -> Opening:
        """The same for who has shown a password: with a second factor, a session that waits for it."""
        if account.factor is None:
            return await self.open(tx, account, visitor, how)
        return await self._insert(tx, account, visitor, "second_factor")

    async def page(self, tx: Transaction, account: Account) -> list[OperatorSession]:
        """The account's sessions that are good now."""
        now = self._clock.now()
        return await repository.sessions_of(tx, account, now - self._idle, now)

    async def end(self, tx: Transaction, session_id: str, account_id: str) -> bool:
        """End one of the account's. False when there is none, or it was ended before."""
        tx.after_commit(lambda: self._cache.forget_account(account_id))
        return await repository.end_session(tx, session_id, account_id, self._clock.now())

    async def _insert(self, tx: Transaction, account: Account, visitor: Visitor, stage: Stage) -> Opening:
        now, token = self._clock.now(), session_token(secrets.token_bytes(32), self._secret)
        if visitor.session is not None and (before := await repository.find_open(tx, digest(visitor.session))):
            await self.end(tx, before.id, before.account_id)
        life = self._life if stage == "full" else _FOR_SECOND_FACTOR
        row = {
            "id": new_id("ses"),
            "account_id": account.id,
            "digest": digest(token),
            "stage": stage,
            "epoch": account.epoch,
            "address": visitor.address[:60],
            "browser": visitor.browser[:200],
            "created_at": now,
            "last_used_at": now,
            "expires_at": now + life,
        }
        await repository.insert_session(tx, row)
        return Opening(token, None, life, stage, account.id)


def staff(account_id: str) -> Caller:
    """An operator, as the audit log and the services see them."""
    return Caller(account_id, MERCHANT, "staff", ())
