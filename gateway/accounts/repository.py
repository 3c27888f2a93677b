"""The SQL of accounts, their second factors and their links."""

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple, TypeVar

from sqlalchemy import delete, exists, func, insert, or_, select, update

from gateway.accounts.models import Account, AccountLink, AccountPolicy, RecoveryCode
from gateway.accounts.roles import RoleName
from shared.db import Transaction, insert_ignore, one_of
from shared.web import Page, Paging, filtered, page_of

T = TypeVar("T")


class LastStand(NamedTuple):
    """What is asked before an administrator goes."""

    others: int


async def insert_account(tx: Transaction, row: Mapping[str, Any]) -> bool:
    """False when the login is taken."""
    return bool(await insert_ignore(tx, Account.table, [row]))


async def find(tx: Transaction, account_id: str) -> Account | None:
    """One account."""
    return await tx.row(Account, select(Account.table).where(Account.c.id == account_id))


async def lock(tx: Transaction, account_id: str) -> Account | None:
    """The account, held until the transaction ends."""
    return await tx.row(Account, select(Account.table).where(Account.c.id == account_id).with_for_update())


async def find_by_login(tx: Transaction, login: str) -> Account | None:
    """The account of a plain login."""
    return await tx.row(Account, select(Account.table).where(Account.c.login == login))


async def page(
    tx: Transaction, role: RoleName | None, login: str | None, paging: Paging, to_view: Callable[[Account], T]
) -> Page[T]:
    """Accounts, newest first; None asks for all."""
    statement = filtered(select(Account.table), {Account.c.role: role, Account.c.login: login})
    return await page_of(tx, Account, statement, Account.c.id, paging, to_view)


async def update_account(tx: Transaction, account_id: str, values: Mapping[str, Any]) -> bool:
    """Change an account."""
    return await tx.run(update(Account.table).where(Account.c.id == account_id).values(**values)) > 0


async def end_sessions(tx: Transaction, account_id: str) -> int:
    """Nothing that was opened before is good any more. Answers the new epoch."""
    await tx.run(update(Account.table).where(Account.c.id == account_id).values(epoch=Account.c.epoch + 1))
    return int(await tx.scalar(select(Account.c.epoch).where(Account.c.id == account_id)))


async def lock_policy(tx: Transaction) -> AccountPolicy | None:
    """What holds for all, held: whoever takes rights from administrators comes one after the other."""
    return await tx.row(AccountPolicy, select(AccountPolicy.table).with_for_update())


async def find_policy(tx: Transaction) -> AccountPolicy | None:
    """What holds for all; None before the first administrator."""
    return await tx.row(AccountPolicy, select(AccountPolicy.table))


async def insert_policy(tx: Transaction, now: datetime) -> bool:
    """False when there is one: somebody else became the first administrator."""
    return bool(
        await insert_ignore(tx, AccountPolicy.table, [{"id": 1, "require_second_factor": False, "changed_at": now}])
    )


async def update_policy(tx: Transaction, values: Mapping[str, Any]) -> None:
    """Change what holds for all."""
    await tx.run(update(AccountPolicy.table).values(**values))


async def count_other_administrators(tx: Transaction, account_id: str) -> int:
    """Administrators besides this one who can sign in."""
    good = (Account.c.role == "administrator") & Account.c.disabled_at.is_(None) & Account.c.password.is_not(None)
    statement = select(func.count()).select_from(Account.table).where(good, Account.c.id != account_id)
    return int(await tx.scalar(statement))


# second factors


async def take_wanted_factor(tx: Transaction, account: Account, step: int, now: datetime) -> bool:
    """Put the wanted secret in force. False when it is another by now."""
    same = (Account.c.id == account.id) & (Account.c.factor_wanted == account.factor_wanted)
    values = {"factor": account.factor_wanted, "factor_since": now, "factor_wanted": None, "factor_step": step}
    return await tx.run(update(Account.table).where(same).values(**values)) > 0


async def use_step(tx: Transaction, account: Account, step: int) -> bool:
    """False when this step, or a later one, was used; or the factor is another by now."""
    fresh = or_(Account.c.factor_step.is_(None), Account.c.factor_step < step)
    same = (Account.c.id == account.id) & (Account.c.factor == account.factor)
    return await tx.run(update(Account.table).where(same, fresh).values(factor_step=step)) > 0


async def remove_factor(tx: Transaction, account_id: str) -> None:
    """Take the second factor away."""
    values = {"factor": None, "factor_since": None, "factor_wanted": None, "factor_step": None}
    await tx.run(update(Account.table).where(Account.c.id == account_id).values(**values))


async def replace_recovery_codes(tx: Transaction, account_id: str, digests: Collection[str]) -> None:
    """These and no others."""
    await tx.run(delete(RecoveryCode.table).where(RecoveryCode.c.account_id == account_id))
    if digests:
        await tx.run(insert(RecoveryCode.table), [{"account_id": account_id, "digest": one} for one in sorted(digests)])


async def use_recovery_code(tx: Transaction, account_id: str, digest: str, now: datetime) -> bool:
    """False when there is no such code, or it was used."""
    same = (RecoveryCode.c.account_id == account_id) & (RecoveryCode.c.digest == digest)
    unused = RecoveryCode.c.used_at.is_(None)
    return await tx.run(update(RecoveryCode.table).where(same, unused).values(used_at=now)) > 0


async def count_recovery_codes(tx: Transaction, account_id: str) -> int:
    """How many are left."""
    left = (RecoveryCode.c.account_id == account_id) & RecoveryCode.c.used_at.is_(None)
    return int(await tx.scalar(select(func.count()).select_from(RecoveryCode.table).where(left)))


# links


async def insert_link(tx: Transaction, row: Mapping[str, Any]) -> None:
    """Store a link; an open one of the same account is no good any more."""
    if row["account_id"] is not None:
        await close_links(tx, [row["account_id"]], row["created_at"])
    await tx.run(insert(AccountLink.table).values(**row))


async def close_links(tx: Transaction, account_ids: Sequence[str], now: datetime) -> None:
    """No open link of these accounts is good any more."""
    mine = one_of(AccountLink.c.account_id, account_ids)
    await tx.run(update(AccountLink.table).where(mine, AccountLink.c.used_at.is_(None)).values(used_at=now))


async def find_link(tx: Transaction, digest: str, now: datetime) -> AccountLink | None:
    """A link that is good now."""
    good = (AccountLink.c.digest == digest) & AccountLink.c.used_at.is_(None) & (AccountLink.c.expires_at > now)
    return await tx.row(AccountLink, select(AccountLink.table).where(good))


async def use_link(tx: Transaction, link_id: str, now: datetime) -> bool:
    """False when it was used, or its time is over."""
    good = (AccountLink.c.id == link_id) & AccountLink.c.used_at.is_(None) & (AccountLink.c.expires_at > now)
    return await tx.run(update(AccountLink.table).where(good).values(used_at=now)) > 0


async def any_account(tx: Transaction) -> bool:
    """Whether there is an account that somebody has used."""
    return bool(await tx.scalar(select(exists(select(AccountPolicy.c.id)))))
