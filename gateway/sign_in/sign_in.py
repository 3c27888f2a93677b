"""Signing in: a password, then a second factor where there is one; or a one-time link.

Every refusal is the same, and takes the same time, whether there is such an account or not.
"""

from gateway.accounts import repository as accounts_repository
from gateway.accounts.links import refuse_weak
from gateway.accounts.models import Account
from gateway.accounts.room import AccountsRoom
from gateway.accounts.rules import digest, plain_login
from gateway.audit_log.log import AuditLog
from gateway.metrics import SIGN_INS
from gateway.sign_in import repository
from gateway.sign_in.cache import SessionCache
from gateway.sign_in.guesses import GuessCounter, Subjects, of_browser, of_factor, of_stranger
from gateway.sign_in.rules import browser_of, slot_of
from gateway.sign_in.schemas import LinkIn, SecondFactorIn
from gateway.sign_in.sessions import Opening, Sessions, Visitor, staff
from shared.db import Transaction
from shared.service import Kit
from shared.web import FieldError, Unauthorized, Unprocessable


class SignIn:
    """The ways to a session."""

    def __init__(
        self,
        kit: Kit,
        accounts: AccountsRoom,
        log: AuditLog,
        sessions: Sessions,
        cache: SessionCache,
        guesses: GuessCounter,
    ) -> None:
        self._db = kit.db
        self._secret = kit.secret
        self._accounts = accounts
        self._log = log
        self._sessions = sessions
        self._cache = cache
        self._guesses = guesses

    async def with_password(self, visitor: Visitor, login: str, password: str) -> Opening:
        """Raises Unauthorized, the same for every reason; TooManyRequests, Unavailable."""
        plain = plain_login(login)
        async with self._db.read() as tx:
            account = await accounts_repository.find_by_login(tx, plain)
        browser = self._known(visitor, account)
        subject = account.id if account else slot_of(plain, self._secret)
        subjects = of_browser(browser, subject) if browser else of_stranger(subject, visitor.address)
        last = await self._guesses.count(subjects)
        stored = account.password if account and account.disabled_at is None else None
        good = await self._accounts.passwords.matches(
            password, stored, browser or visitor.address, known=browser is not None
        )
        if not good or account is None:
            raise await self._refused(subject, last)
        async with self._db.write() as tx:
            now = await accounts_repository.lock(tx, account.id)
            if now is None or now.password != account.password or now.disabled_at is not None:
                raise _refusal()  # changed while it was looked at
            await self._guesses.right(tx, subjects)
            return await self._sessions.open_or_wait(tx, now, visitor, "password")

    async def with_second_factor(self, visitor: Visitor, shown: SecondFactorIn) -> Opening:
        """Raises Unauthorized for a wrong code, a used one, and without a session that waits for it."""
        waiting = await self._cache.waiting(visitor.session) if visitor.session else None
        if waiting is None:
            detail = "Your password was not shown yet, or too long ago. Sign in with it first."
            raise Unauthorized("password_first", detail)
        subjects = await self._subjects_of_factor(visitor, waiting.account_id)
        last = await self._guesses.count(subjects)
        async with self._db.write() as tx:
            account = await accounts_repository.lock(tx, waiting.account_id)
            proven = account is not None and await self._proves(tx, account, shown)
            if proven and account is not None and await self._sessions.end(tx, waiting.id, account.id):
                await self._guesses.right(tx, subjects)
                how = "recovery_code" if shown.recovery_code is not None else "second_factor"
                return await self._sessions.open(tx, account, visitor._replace(session=None), how)
        if last:
            await self._tell_of_guesses(waiting.account_id)
        SIGN_INS.labels("refused").inc()
        raise Unauthorized("code_refused", "This code is wrong, too old, or was used already. Wait for the next one.")

    async def with_link(self, visitor: Visitor, given: LinkIn) -> Opening:
        """Choose a password. Raises Gone for a link that is good for nothing, Unprocessable for a weak password."""
        async with self._db.read() as tx:
            holder = await self._accounts.links.holder(tx, given.token)
        wanted = (holder.login, holder.name) if holder else _wanted(given)
        refuse_weak(given.password, *wanted)
        hashed = await self._accounts.passwords.hash(given.password, visitor.address)
        async with self._db.write() as tx:
            account = await self._accounts.links.take(tx, given.token, hashed, None if holder else wanted)
            await self._log.record(tx, staff(account.id), "account.password_by_link", account.id)
            tx.after_commit(lambda: self._cache.forget_account(account.id))
            return await self._sessions.open_or_wait(tx, account, visitor, "link")

    async def out(self, visitor: Visitor) -> None:
        """End the browser's session. Doing it again changes nothing."""
        if visitor.session is None:
            return
        async with self._db.write() as tx:
            found = await repository.find_open(tx, digest(visitor.session))
            if found is not None:
                await self._sessions.end(tx, found.id, found.account_id)

    def _known(self, visitor: Visitor, account: Account | None) -> str | None:
        if account is None or visitor.known is None:
            return None
        return browser_of(visitor.known, account.id, self._secret)

    async def _subjects_of_factor(self, visitor: Visitor, account_id: str) -> Subjects:
        browser = browser_of(visitor.known, account_id, self._secret) if visitor.known else None
        return of_factor(f"{browser}:{account_id}" if browser else account_id)

    async def _proves(self, tx: Transaction, account: Account, shown: SecondFactorIn) -> bool:
        factor = self._accounts.factor
        if shown.recovery_code is not None:
            return await factor.recovers(tx, account, shown.recovery_code)
        return await factor.proves(tx, account, shown.code or "")

    async def _refused(self, subject: str, last: bool) -> Unauthorized:
        """For a login that nobody has, the same is written as for one that somebody has: it takes the same time."""
        if last:
            await self._tell_of_guesses(subject)
        SIGN_INS.labels("refused").inc()
        return _refusal()

    async def _tell_of_guesses(self, subject: str) -> None:
        async with self._db.write() as tx:
            await self._log.record(tx, None, "sign_in.guesses", subject)


def _refusal() -> Unauthorized:
    return Unauthorized(
        "sign_in_refused", "Login or password is wrong. If you lost it, ask an administrator for a link."
    )


def _wanted(given: LinkIn) -> tuple[str, str]:
    """The first administrator's login and name. Raises Unprocessable without them."""
    faults = [
        FieldError(pointer=f"#/{name}", code="missing", detail="The first administrator chooses one.")
        for name in ("login", "name")
        if getattr(given, name) is None
    ]
    if faults or given.login is None or given.name is None:
        raise Unprocessable("validation_failed", f"{faults[0].pointer}: {faults[0].detail}", errors=faults)
    return given.login, given.name
