"""The SQL of sessions and of guesses."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import bindparam, delete, insert, select, update

from gateway.accounts.models import Account, AccountPolicy
from gateway.accounts.roles import RoleName
from gateway.sign_in.models import Guesses, OperatorSession, Stage
from shared.db import Transaction, UtcDateTime, insert_ignore, one_of

_AT = bindparam("at", type_=UtcDateTime)
_LAST_USE = (
    update(OperatorSession.table)
    .where(OperatorSession.c.id == bindparam("session_id"), OperatorSession.c.last_used_at < _AT)
    .values(last_used_at=_AT)
)


class Opened(NamedTuple):
    """A session with what its account says of it."""

    id: str
    account_id: str
    stage: Stage
    last_used_at: datetime
    expires_at: datetime
    role: RoleName
    has_factor: bool
    must_have_factor: bool


async def insert_session(tx: Transaction, row: Mapping[str, Any]) -> None:
    """Store a new session."""
    await tx.run(insert(OperatorSession.table).values(**row))


async def find_open(tx: Transaction, digest: str) -> Opened | None:
    """The session of this token, unless it was ended or its account was."""
    good = OperatorSession.c.ended_at.is_(None) & Account.c.disabled_at.is_(None)
    policy = select(AccountPolicy.c.require_second_factor).scalar_subquery()
    statement = (
        select(
            OperatorSession.c.id,
            OperatorSession.c.account_id,
            OperatorSession.c.stage,
            OperatorSession.c.last_used_at,
            OperatorSession.c.expires_at,
            Account.c.role,
            Account.c.factor.is_not(None).label("has_factor"),
            policy.label("must_have_factor"),
        )
        .join(Account.table, Account.c.id == OperatorSession.c.account_id)
        .where(OperatorSession.c.digest == digest, OperatorSession.c.epoch == Account.c.epoch, good)
    )
    return await tx.row(Opened, statement)


async def sessions_of(tx: Transaction, account: Account, since: datetime, now: datetime) -> list[OperatorSession]:
    """The sessions that an account is signed in with: used after `since`, newest first."""
    mine = (OperatorSession.c.account_id == account.id) & (OperatorSession.c.epoch == account.epoch)
    good = OperatorSession.c.ended_at.is_(None) & (OperatorSession.c.expires_at > now)
    used = (OperatorSession.c.last_used_at > since) & (OperatorSession.c.stage == "full")
    statement = select(OperatorSession.table).where(mine, good, used).order_by(OperatorSession.c.id.desc())
    return await tx.rows(OperatorSession, statement)


async def end_session(tx: Transaction, session_id: str, account_id: str, now: datetime) -> bool:
    """False when there is none of this account's, or it was ended before."""
    mine = (OperatorSession.c.id == session_id) & (OperatorSession.c.account_id == account_id)
    open_yet = OperatorSession.c.ended_at.is_(None)
    return await tx.run(update(OperatorSession.table).where(mine, open_yet).values(ended_at=now)) > 0


async def update_last_uses(tx: Transaction, uses: Mapping[str, datetime]) -> None:
    """Write down when each session was last used, by its id."""
    if uses:
        await tx.run(_LAST_USE, [{"session_id": session_id, "at": at} for session_id, at in sorted(uses.items())])


# guesses


async def lock_guesses(tx: Transaction, subjects: Sequence[str], now: datetime) -> list[Guesses]:
    """What is counted of these, held in one order; a count of none where nothing was."""
    rows = [{"subject": subject, "wrong": 0, "last_at": now} for subject in sorted(subjects)]
    await insert_ignore(tx, Guesses.table, rows)
    statement = select(Guesses.table).where(one_of(Guesses.c.subject, subjects)).order_by(Guesses.c.subject)
    return await tx.rows(Guesses, statement.with_for_update())


async def update_guesses(tx: Transaction, subject: str, wrong: int, last_at: datetime) -> None:
    """Count these many."""
    await tx.run(update(Guesses.table).where(Guesses.c.subject == subject).values(wrong=wrong, last_at=last_at))


async def take_back_guess(tx: Transaction, subject: str) -> None:
    """One fewer: it was none."""
    counted = (Guesses.c.subject == subject) & (Guesses.c.wrong > 0)
    await tx.run(update(Guesses.table).where(counted).values(wrong=Guesses.c.wrong - 1))


async def forget_guesses(tx: Transaction, subjects: Collection[str]) -> None:
    """Nothing counts against these any more."""
    await tx.run(delete(Guesses.table).where(one_of(Guesses.c.subject, subjects)))
