"""What operators do about their own account. What weighs is asked for with the password once more, and ends other sessions."""

from gateway.accounts import repository as accounts_repository
from gateway.accounts.links import refuse_weak
from gateway.accounts.models import Account
from gateway.accounts.room import AccountsRoom
from gateway.accounts.schemas import NewFactorView
from gateway.audit_log.log import AuditLog
from gateway.sign_in.cache import CachedSession
from gateway.sign_in.guesses import GuessCounter, of_factor
from gateway.sign_in.schemas import MeView, SessionView
from gateway.sign_in.sessions import Opening, Sessions, Visitor
from shared.db import Transaction
from shared.service import Kit
from shared.web import Caller, Conflict, Forbidden, NotFound, Unauthorized, Unprocessable, invalid


class OwnAccount:
    """The use cases behind `/v1/me`."""

    def __init__(
        self, kit: Kit, accounts: AccountsRoom, log: AuditLog, sessions: Sessions, guesses: GuessCounter
    ) -> None:
        self._db = kit.db
        self._clock = kit.clock
        self._accounts = accounts
        self._log = log
        self._sessions = sessions
        self._guesses = guesses

    async def me(self, caller: Caller, session: CachedSession | None) -> MeView:
        """Who calls, whatever they hold."""
        if session is None:
            return MeView(kind=caller.kind, id=caller.key_id, scopes=list(caller.scopes))
        async with self._db.read() as tx:
            account = await self._mine(tx, caller)
            left = await accounts_repository.count_recovery_codes(tx, account.id)
        return MeView(
            kind=caller.kind,
            id=account.id,
            scopes=list(caller.scopes),
            login=account.login,
            name=account.name,
            role=account.role,
            session_id=session.id,
            session_expires_at=session.expires_at,
            csrf_token=session.csrf,
            second_factor_since=account.factor_since,
            second_factor_to_set_up=session.limited,
            recovery_codes_left=left if account.factor else None,
        )

    async def change_password(self, caller: Caller, visitor: Visitor, current: str, password: str) -> Opening:
        """All sessions end; the browser that asked gets a new one. Raises Unauthorized, Unprocessable."""
        before = await self._proved(caller, current)
        refuse_weak(password, before.login, before.name)
        if await self._accounts.passwords.matches(password, before.password, caller.key_id, known=True):
            raise invalid("#/password", "same_password", "This is your present password. Choose another.")
        hashed = await self._accounts.passwords.hash(password, caller.key_id)
        async with self._db.write() as tx:
            await self._unchanged(tx, before)
            values = {"password": hashed, "password_since": self._clock.now()}
            await accounts_repository.update_account(tx, before.id, values)
            await self._log.record(tx, caller, "account.change_password", before.id)
            return await self._anew(tx, before, visitor, "password_changed")

    async def begin_second_factor(self, caller: Caller, password: str) -> NewFactorView:
        """A secret for the authenticator app, in place of one that was not confirmed."""
        before = await self._proved(caller, password)
        async with self._db.write() as tx:
            return await self._accounts.factor.begin(tx, await self._unchanged(tx, before))

    async def confirm_second_factor(self, caller: Caller, visitor: Visitor, code: str) -> tuple[Opening, list[str]]:
        """The second factor is in force: other sessions end, and there are recovery codes. Raises Conflict, Unprocessable."""
        _must_be_staff(caller)
        await self._guesses.count(subjects := of_factor(f"new:{caller.key_id}"))
        async with self._db.write() as tx:
            account = _mine_or_gone(await accounts_repository.lock(tx, caller.key_id))
            if account.factor_wanted is None:
                raise Conflict("nothing_to_confirm", "Ask for a secret first: POST /v1/me/second-factor.")
            if not await self._accounts.factor.confirm(tx, account, code):
                detail = "This is not the code that the app shows now. Is the clock of the phone right?"
                raise invalid("#/code", "wrong_code", detail)
            await self._guesses.right(tx, subjects)
            codes = await self._accounts.factor.new_recovery_codes(tx, account.id)
            await self._log.record(tx, caller, "account.set_up_second_factor", account.id)
            return await self._anew(tx, account, visitor, "second_factor_set_up"), codes

    async def remove_second_factor(self, caller: Caller, visitor: Visitor, password: str) -> Opening:
        """A password alone is enough again, unless the policy asks for a second factor. Raises Conflict then."""
        if (await self._accounts.accounts.policy()).require_second_factor:
            raise Conflict("second_factor_required", "An administrator requires a second factor of everybody here.")
        before = await self._proved(caller, password)
        async with self._db.write() as tx:
            await self._unchanged(tx, before)
            await self._accounts.factor.remove(tx, before.id)
            await self._log.record(tx, caller, "account.remove_second_factor", before.id)
            return await self._anew(tx, before, visitor, "second_factor_removed")

    async def new_recovery_codes(self, caller: Caller, password: str) -> list[str]:
        """Ten fresh ones; those before are no good any more. Raises Conflict without a second factor."""
        before = await self._proved(caller, password)
        async with self._db.write() as tx:
            if (await self._unchanged(tx, before)).factor is None:
                raise Conflict("no_second_factor", "Recovery codes stand in for a second factor. Set one up first.")
            await self._log.record(tx, caller, "account.new_recovery_codes", before.id)
            return await self._accounts.factor.new_recovery_codes(tx, before.id)

    async def sessions(self, caller: Caller, session: CachedSession | None) -> list[SessionView]:
        """The browsers in which one is signed in, newest first."""
        async with self._db.read() as tx:
            rows = await self._sessions.page(tx, await self._mine(tx, caller))
        fields = SessionView.model_fields.keys() - {"current"}
        return [
            SessionView(
                **{name: getattr(row, name) for name in fields}, current=session is not None and row.id == session.id
            )
            for row in rows
        ]

    async def end_session(self, caller: Caller, session_id: str) -> None:
        """Sign out one browser. Raises NotFound for others' and for what was ended."""
        _must_be_staff(caller)
        async with self._db.write() as tx:
            if not await self._sessions.end(tx, session_id, caller.key_id):
                raise NotFound("not_found", "There is no such session of yours.")
            await self._log.record(tx, caller, "account.end_session", caller.key_id, session_id=session_id)

    async def end_others(self, caller: Caller, visitor: Visitor) -> Opening:
        """Sign out every other browser."""
        async with self._db.write() as tx:
            account = await self._mine(tx, caller)
            await self._log.record(tx, caller, "account.end_other_sessions", account.id)
            return await self._anew(tx, account, visitor, "others_ended")

    async def _anew(self, tx: Transaction, before: Account, visitor: Visitor, how: str) -> Opening:
        """Every session of the account ends, and the browser that asked gets another."""
        await self._accounts.accounts.end_sessions(tx, before.id)
        account = _mine_or_gone(await accounts_repository.find(tx, before.id))
        return await self._sessions.open(tx, account, visitor._replace(session=None), how)

    async def _proved(self, caller: Caller, password: str) -> Account:
        """The caller's account, once they have shown its password again. Raises Unauthorized."""
        async with self._db.read() as tx:
            account = await self._mine(tx, caller)
        await self._guesses.count(subjects := of_factor(f"again:{account.id}"))
        if not await self._accounts.passwords.matches(password, account.password, account.id, known=True):
            raise Unprocessable("password_refused", "This is not your password.")
        async with self._db.write() as tx:
            await self._guesses.right(tx, subjects)
        return account

    async def _mine(self, tx: Transaction, caller: Caller) -> Account:
        _must_be_staff(caller)
        return _mine_or_gone(await accounts_repository.find(tx, caller.key_id))

    async def _unchanged(self, tx: Transaction, before: Account) -> Account:
        """The account, held. Raises Unauthorized when it got another password meanwhile."""
        account = _mine_or_gone(await accounts_repository.lock(tx, before.id))
        if account.password != before.password:
            raise Unauthorized("session_ended", "Your password was changed just now. Sign in again.")
        return account


def _must_be_staff(caller: Caller) -> None:
    if caller.kind != "staff":
        raise Forbidden("session_needed", "This is for operators who are signed in; keys have no account.")


def _mine_or_gone(account: Account | None) -> Account:
    if account is None or account.disabled_at is not None:
        raise Unauthorized("session_ended", "Your session is over. Sign in again.")
    return account
