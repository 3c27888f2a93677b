"""The SQL of keys."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, bindparam, insert, or_, select, update

from gateway.keys.models import ApiKey
from shared.db import Transaction, insert_ignore, table
from shared.web import Caller

KEYS = table(ApiKey)
_LAST_USE = (
    update(KEYS)
    .where(KEYS.c.id == bindparam("key_id"))
    .where(or_(KEYS.c.last_used_at.is_(None), KEYS.c.last_used_at < bindparam("at", type_=KEYS.c.last_used_at.type)))
    .values(last_used_at=bindparam("at", type_=KEYS.c.last_used_at.type))
)


async def add(tx: Transaction, row: Mapping[str, Any]) -> None:
    await tx.execute(insert(KEYS).values(**row))


async def add_once(tx: Transaction, row: Mapping[str, Any]) -> bool:
    """False when the id or the digest is taken."""
    return bool(await insert_ignore(tx, KEYS, [row]))


async def by_digest(tx: Transaction, digest: str) -> Row[Any] | None:
    return (await tx.execute(select(KEYS).where(KEYS.c.digest == digest))).one_or_none()


async def by_id(tx: Transaction, key_id: str, caller: Caller | None = None) -> Row[Any] | None:
    """The key, if it exists and `caller` may know of it."""
    statement = select(KEYS).where(KEYS.c.id == key_id)
    return (await tx.execute(visible(statement, caller) if caller else statement)).one_or_none()


def visible(statement: Any, caller: Caller) -> Any:
    """The wall between owners: the merchant's secret keys see all, every other key its own owner's."""
    return statement if caller.kind == "secret" else statement.where(KEYS.c.owner_id == caller.owner_id)


async def retire(tx: Transaction, key_id: str, successor_id: str, now: datetime, until: datetime) -> Row[Any] | None:
    """Let an active key end at `until` in favour of another. None when it is not active (any more)."""
    active = KEYS.c.revoked_at.is_(None) & KEYS.c.successor_id.is_(None)
    live = or_(KEYS.c.expires_at.is_(None), KEYS.c.expires_at > until)
    soon = KEYS.c.expires_at.is_not(None) & (KEYS.c.expires_at <= until) & (KEYS.c.expires_at > now)
    values: dict[str, Any] = {"successor_id": successor_id, "rotated_at": now, "changed_at": now}
    chosen = update(KEYS).where(KEYS.c.id == key_id, active).returning(*KEYS.c)
    found = (await tx.execute(chosen.where(live).values(**values, expires_at=until))).one_or_none()
    return found or (await tx.execute(chosen.where(soon).values(**values))).one_or_none()


async def revoke(tx: Transaction, key_id: str, now: datetime) -> bool:
    """False when it was revoked before."""
    chosen = update(KEYS).where(KEYS.c.id == key_id, KEYS.c.revoked_at.is_(None))
    return (await tx.execute(chosen.values(revoked_at=now, changed_at=now))).rowcount > 0


async def replace_digest(tx: Transaction, key_id: str, digest: str, hint: str, now: datetime) -> bool:
    """Give a fixed key another secret. False when it has that one already and is in force."""
    stale = or_(KEYS.c.digest != digest, KEYS.c.revoked_at.is_not(None), KEYS.c.expires_at.is_not(None))
    fresh = {"revoked_at": None, "expires_at": None, "successor_id": None, "rotated_at": None}
    chosen = update(KEYS).where(KEYS.c.id == key_id, stale)
    return (await tx.execute(chosen.values(digest=digest, hint=hint, changed_at=now, **fresh))).rowcount > 0


async def note_uses(tx: Transaction, uses: Mapping[str, datetime]) -> None:
    if uses:
        await tx.execute(_LAST_USE, [{"key_id": key_id, "at": at} for key_id, at in sorted(uses.items())])


async def changed_since(tx: Transaction, since: datetime) -> Sequence[Row[Any]]:
    statement = select(KEYS.c.digest, KEYS.c.changed_at).where(KEYS.c.changed_at >= since)
    return (await tx.execute(statement)).all()
