"""The use cases around operators' accounts: invited, changed, given another link. Every change is audited."""

from collections.abc import Callable
from functools import partial
from typing import Any

from gateway.accounts import repository
from gateway.accounts.links import Links
from gateway.accounts.models import Account
from gateway.accounts.roles import ROLES, RoleName
from gateway.accounts.rules import plain_login
from gateway.accounts.schemas import (
    AccountIn,
    AccountPatch,
    AccountView,
    InvitedView,
    LinkView,
    PolicyPatch,
    PolicyView,
    Status,
)
from gateway.accounts.second_factor import SecondFactor
from gateway.audit_log.log import AuditLog
from shared.db import Transaction
from shared.ids import new_id
from shared.service import Kit
from shared.web import Caller, Conflict, Forbidden, NotFound, Page, Paging


class Accounts:
    """Nobody gives a role with more rights than they hold. `ended` are told of accounts whose sessions are over."""

    def __init__(self, kit: Kit, log: AuditLog, links: Links, factor: SecondFactor) -> None:
        self._db = kit.db
        self._clock = kit.clock
        self._log = log
        self._links = links
        self._factor = factor
        self.ended: list[Callable[[str], None]] = []

    async def invite(self, caller: Caller | None, wanted: AccountIn) -> InvitedView:
        """An account with a one-time link. None is who owns the database. Raises Forbidden, Conflict for a taken login."""
        _must_cover(caller, wanted.role)
        now = self._clock.now()
        made_by, account_id = caller.key_id if caller else None, new_id("acc")
        row = {
            "id": account_id,
            "login": plain_login(wanted.login),
            "name": wanted.name,
            "role": wanted.role,
            "epoch": 0,
            "created_at": now,
            "created_by": made_by,
        }
        async with self._db.write() as tx:
            await repository.insert_policy(tx, now)
            if not await repository.insert_account(tx, row):
                raise Conflict("login_taken", "There is an account with this login already.")
            link = await self._links.make(tx, account_id, made_by)
            await self._log.record(tx, caller, "account.invite", account_id, role=wanted.role)
            return InvitedView(**_shown(await self._found(tx, account_id)), link=link)

    async def page(self, paging: Paging, role: RoleName | None, login: str | None) -> Page[AccountView]:
        """Accounts, newest first."""
        plain = plain_login(login) if login is not None else None
        async with self._db.read() as tx:
            return await repository.page(tx, role, plain, paging, lambda row: AccountView(**_shown(row)))

    async def read(self, account_id: str) -> AccountView:
        """One of them. Raises NotFound."""
        async with self._db.read() as tx:
            return AccountView(**_shown(await self._found(tx, account_id)))

    async def change(self, caller: Caller, account_id: str, change: AccountPatch) -> AccountView:
        """Another name or role; disabled, or enabled again. Raises Conflict for the last administrator."""
        values: dict[str, Any] = {}
        async with self._db.write() as tx:
            await repository.lock_policy(tx)
            account = await self._managed(tx, caller, account_id)
            if change.name is not None:
                values["name"] = change.name
            if change.role is not None and change.role != account.role:
                _must_cover(caller, change.role)
                values["role"] = change.role
            if change.disabled is not None and change.disabled != (account.disabled_at is not None):
                values["disabled_at"] = self._clock.now() if change.disabled else None
            if account.role == "administrator" and (values.get("disabled_at") or "role" in values):
                await self._must_not_be_the_last(tx, account_id)
            if values:
                await repository.update_account(tx, account_id, values)
                await self._log.record(tx, caller, "account.change", account_id, **_told(change))
            if values.get("disabled_at"):
                await repository.close_links(tx, [account_id], self._clock.now())
            if "role" in values or "disabled_at" in values:
                await self.end_sessions(tx, account_id)
            return AccountView(**_shown(await self._found(tx, account_id)))

    async def new_link(self, caller: Caller | None, account_id: str) -> LinkView:
        """Another link to choose a password with, for who was invited or forgot theirs. The password holds until it is used."""
        async with self._db.write() as tx:
            account = await self._managed(tx, caller, account_id)
            if account.disabled_at is not None:
                raise Conflict("account_disabled", "This account is disabled. Enable it first.")
            await self._log.record(tx, caller, "account.new_link", account_id)
            return await self._links.make(tx, account_id, caller.key_id if caller else None)

    async def reset_second_factor(self, caller: Caller | None, account_id: str) -> AccountView:
        """Take the second factor away from who lost it, and their recovery codes; their sessions end."""
        async with self._db.write() as tx:
            await self._managed(tx, caller, account_id)
            await self._factor.remove(tx, account_id)
            await self.end_sessions(tx, account_id)
            await self._log.record(tx, caller, "account.reset_second_factor", account_id)
            return AccountView(**_shown(await self._found(tx, account_id)))

    async def first_link(self) -> LinkView | None:
        """A link for whoever becomes the first administrator; None when there is an account."""
        async with self._db.write() as tx:
            return None if await repository.any_account(tx) else await self._links.make(tx, None, None)

    async def id_of(self, login: str) -> str:
        """The id of the account with this login. Raises NotFound."""
        async with self._db.read() as tx:
            account = await repository.find_by_login(tx, plain_login(login))
        return _or_not_found(account).id

    async def policy(self) -> PolicyView:
        """What holds for all accounts."""
        async with self._db.read() as tx:
            found = await repository.find_policy(tx)
        return PolicyView(require_second_factor=found is not None and found.require_second_factor)

    async def change_policy(self, caller: Caller, change: PolicyPatch) -> PolicyView:
        """Whoever has no second factor sets one up at their next call: sessions without one can do nothing else."""
        now = self._clock.now()
        async with self._db.write() as tx:
            await repository.insert_policy(tx, now)
            await repository.update_policy(tx, {**change.model_dump(), "changed_at": now})
            await self._log.record(tx, caller, "account_policy.change", "account_policy", **change.model_dump())
        return PolicyView(**change.model_dump())

    async def end_sessions(self, tx: Transaction, account_id: str) -> int:
        """End every session of an account, in this process as soon as this is committed. Answers the new epoch."""
        for tell in self.ended:
            tx.after_commit(partial(tell, account_id))
        return await repository.end_sessions(tx, account_id)

    async def _managed(self, tx: Transaction, caller: Caller | None, account_id: str) -> Account:
        account = _or_not_found(await repository.lock(tx, account_id))
        _must_cover(caller, account.role)
        return account

    async def _found(self, tx: Transaction, account_id: str) -> Account:
        return _or_not_found(await repository.find(tx, account_id))

    async def _must_not_be_the_last(self, tx: Transaction, account_id: str) -> None:
        if await repository.count_other_administrators(tx, account_id) == 0:
            detail = "This is the last administrator who can sign in. Make another one first."
            raise Conflict("last_administrator", detail)


def _or_not_found(account: Account | None) -> Account:
    if account is None:
        raise NotFound("not_found", "There is no such account.")
    return account


def _must_cover(caller: Caller | None, role: RoleName) -> None:
    if caller is not None and not all(caller.allows(scope) for scope in ROLES[role]):
        raise Forbidden(
            "role_exceeds_own", f"You do not hold all that the role {role} may do, so you can't give or take it."
        )


def _told(change: AccountPatch) -> dict[str, Any]:
    return change.model_dump(exclude_none=True, exclude={"name"})


def _shown(row: Account) -> dict[str, Any]:
    status: Status = "disabled" if row.disabled_at else "active" if row.password else "invited"
    names = AccountView.model_fields.keys() - {"status", "second_factor_since"}
    shown = {name: getattr(row, name) for name in names}
    return shown | {"status": status, "second_factor_since": row.factor_since}
