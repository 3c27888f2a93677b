"""The SQL of keys."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, NamedTuple, TypeVar

from sqlalchemy import Select, bindparam, insert, or_, select, update

from gateway.keys.models import ApiKey
from shared.db import Transaction, UtcDateTime, insert_ignore
from shared.web import Caller, Page, Paging, filtered, page_of

T = TypeVar("T")
_AT = bindparam("at", type_=UtcDateTime)
_LAST_USE = (
    update(ApiKey.table)
    .where(ApiKey.c.id == bindparam("key_id"))
    .where(or_(ApiKey.c.last_used_at.is_(None), ApiKey.c.last_used_at < _AT))
    .values(last_used_at=_AT)
)


class Change(NamedTuple):
    """That a key was changed, and when."""

    digest: str
    changed_at: datetime


async def insert_key(tx: Transaction, row: Mapping[str, Any]) -> None:
    """Store a new key."""
    await tx.run(insert(ApiKey.table).values(**row))


async def insert_once(tx: Transaction, row: Mapping[str, Any]) -> bool:
    """False when the id or the digest is taken."""
    return bool(await insert_ignore(tx, ApiKey.table, [row]))


async def find_by_digest(tx: Transaction, digest: str) -> ApiKey | None:
    """The key that has this digest, whoever owns it."""
    return await tx.row(ApiKey, select(ApiKey.table).where(ApiKey.c.digest == digest))


async def find(tx: Transaction, key_id: str, caller: Caller | None = None) -> ApiKey | None:
    """The key, if it exists and `caller` may know of it."""
    statement = select(ApiKey.table).where(ApiKey.c.id == key_id)
    return await tx.row(ApiKey, _visible(statement, caller) if caller else statement)


async def page(
    tx: Transaction,
    caller: Caller,
    kind: str | None,
    owner_id: str | None,
    paging: Paging,
    to_view: Callable[[ApiKey], T],
) -> Page[T]:
    """Keys that `caller` may know of, newest first; None asks for all."""
    wanted = {ApiKey.c.kind: kind, ApiKey.c.owner_id: owner_id}
    statement = filtered(_visible(select(ApiKey.table), caller), wanted)
    return await page_of(tx, ApiKey, statement, ApiKey.c.id, paging, to_view)


def _visible(statement: Select[*tuple[Any, ...]], caller: Caller) -> Select[*tuple[Any, ...]]:
    """The wall between owners: the merchant's secret keys see all, every other key its own owner's."""
    return statement if caller.kind == "secret" else statement.where(ApiKey.c.owner_id == caller.owner_id)


async def retire(tx: Transaction, key_id: str, successor_id: str, now: datetime, until: datetime) -> bool:
    """Let an active key end at `until` in favour of another. False when it is not active (any more)."""
    live = or_(ApiKey.c.expires_at.is_(None), ApiKey.c.expires_at > until)
    soon = ApiKey.c.expires_at.is_not(None) & (ApiKey.c.expires_at <= until) & (ApiKey.c.expires_at > now)
    active = ApiKey.c.revoked_at.is_(None) & ApiKey.c.successor_id.is_(None)
    chosen = update(ApiKey.table).where(ApiKey.c.id == key_id, active)
    values: dict[str, Any] = {"successor_id": successor_id, "rotated_at": now, "changed_at": now}
    if await tx.run(chosen.where(live).values(**values, expires_at=until)):
        return True
    return await tx.run(chosen.where(soon).values(**values)) > 0


async def revoke(tx: Transaction, key_id: str, now: datetime) -> bool:
    """False when it was revoked before."""
    chosen = update(ApiKey.table).where(ApiKey.c.id == key_id, ApiKey.c.revoked_at.is_(None))
    return await tx.run(chosen.values(revoked_at=now, changed_at=now)) > 0


async def replace_digest(tx: Transaction, key_id: str, digest: str, hint: str, now: datetime) -> bool:
    """Give a fixed key another secret. False when it has that one already and is in force."""
    stale = or_(ApiKey.c.digest != digest, ApiKey.c.revoked_at.is_not(None), ApiKey.c.expires_at.is_not(None))
    fresh = {"revoked_at": None, "expires_at": None, "successor_id": None, "rotated_at": None}
    chosen = update(ApiKey.table).where(ApiKey.c.id == key_id, stale)
    return await tx.run(chosen.values(digest=digest, hint=hint, changed_at=now, **fresh)) > 0


async def update_last_uses(tx: Transaction, uses: Mapping[str, datetime]) -> None:
    """Write down when each key was last used, by its id."""
    if uses:
        await tx.run(_LAST_USE, [{"key_id": key_id, "at": at} for key_id, at in sorted(uses.items())])


async def changed_since(tx: Transaction, since: datetime) -> list[Change]:
    """The keys that were changed since then, on whatever replica."""
    statement = select(ApiKey.c.digest, ApiKey.c.changed_at).where(ApiKey.c.changed_at >= since)
    return await tx.rows(Change, statement)
