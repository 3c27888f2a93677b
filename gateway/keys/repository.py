"""The SQL of keys."""

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple, TypeVar

from sqlalchemy import ColumnElement, Select, bindparam, exists, insert, literal, or_, select, update

from gateway.keys.models import ApiKey
from gateway.keys.rules import Ancestor, Kind
from shared.db import Transaction, UtcDateTime, insert_ignore, one_of
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


class Relation(NamedTuple):
    """A key, who made it, and what of it concerns those that it made."""

    id: str
    maker_id: str | None
    lineage_id: str
    kind: Kind
    limits: dict[str, Any] | None


class Ended(NamedTuple):
    """A key that ends."""

    id: str
    digest: str


def in_force(now: datetime) -> ColumnElement[bool]:
    """Of a key: neither revoked nor expired."""
    return ApiKey.c.revoked_at.is_(None) & or_(ApiKey.c.expires_at.is_(None), ApiKey.c.expires_at > now)


def has_key_in_force(owner_id: ColumnElement[str], now: datetime) -> ColumnElement[bool]:
    """Of an owner, by the column that names them: somebody still holds a key of theirs."""
    return exists(select(ApiKey.c.id).where(ApiKey.c.owner_id == owner_id, in_force(now)))


async def insert_key(tx: Transaction, row: Mapping[str, Any]) -> None:
    """Store a new key."""
    await tx.run(insert(ApiKey.table).values(**row))


async def insert_once(tx: Transaction, row: Mapping[str, Any]) -> bool:
    """False when the id or the digest is taken."""
    return bool(await insert_ignore(tx, ApiKey.table, [row]))


async def all_in_force(tx: Transaction, now: datetime) -> list[ApiKey]:
    """Every key that is neither revoked nor expired, whoever owns it."""
    return await tx.rows(ApiKey, select(ApiKey.table).where(in_force(now)))


async def with_digests(tx: Transaction, digests: Collection[str]) -> list[ApiKey]:
    """The keys that have these digests, whoever owns them."""
    if not digests:
        return []
    return await tx.rows(ApiKey, select(ApiKey.table).where(one_of(ApiKey.c.digest, digests)))


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


async def lock_in_force(tx: Transaction, key_id: str, now: datetime) -> ApiKey | None:
    """The key, held so that it can't be revoked meanwhile. None when it is not in force (any more)."""
    return await tx.row(ApiKey, select(ApiKey.table).where(ApiKey.c.id == key_id, in_force(now)).with_for_update())


async def owner_exists(tx: Transaction, owner_id: str) -> bool:
    """Whether there was ever a key of this owner."""
    return bool(await tx.scalar(select(exists(select(ApiKey.c.id).where(ApiKey.c.owner_id == owner_id)))))


# families: each key was made with another, back to the administrator's


async def ancestors(tx: Transaction, key_id: str) -> list[Ancestor]:
    """The key itself, the one with which its lineage was made, the one with which that was made …"""
    above = ApiKey.table.alias("above")
    columns = (ApiKey.c.id, ApiKey.c.lineage_id, ApiKey.c.kind, ApiKey.c.limits, ApiKey.c.maker_id)
    chain = select(*columns, literal(0).label("distance")).where(ApiKey.c.id == key_id).cte("chain", recursive=True)
    further = select(*(above.c[column.name] for column in columns), chain.c.distance + 1)
    chain = chain.union_all(further.join(chain, above.c.id == chain.c.maker_id))
    statement = select(chain.c.lineage_id, chain.c.kind, chain.c.limits).order_by(chain.c.distance)
    return await tx.rows(Ancestor, statement)


async def all_relations(tx: Transaction) -> list[Relation]:
    """Every key's place in its family, also of those that ended: some made what lives on."""
    columns = (ApiKey.c.id, ApiKey.c.maker_id, ApiKey.c.lineage_id, ApiKey.c.kind, ApiKey.c.limits)
    return await tx.rows(Relation, select(*columns))


def ending_with(key: ApiKey) -> ColumnElement[bool]:
    """The keys that a revocation meets first: a key that has a successor goes alone, any other takes its lineage along."""
    return ApiKey.c.lineage_id == key.lineage_id if key.successor_id is None else ApiKey.c.id == key.id


async def lock_ending(tx: Transaction, first: ColumnElement[bool]) -> list[Ended]:
    """Those of the `first` keys, and of all that were made with them, that are not revoked yet; held in one order.

    Ask again until nothing is left: a key made by one of them at this very moment is seen once its maker is held.
    """
    ending = select(ApiKey.c.id).where(first).cte("ending", recursive=True)
    made = ApiKey.table.alias("made")
    ending = ending.union(select(made.c.id).join(ending, made.c.maker_id == ending.c.id))
    chosen = select(ApiKey.c.id, ApiKey.c.digest).where(
        ApiKey.c.id.in_(select(ending.c.id)), ApiKey.c.revoked_at.is_(None)
    )
    return await tx.rows(Ended, chosen.order_by(ApiKey.c.id).with_for_update())


async def lock_lineage(tx: Transaction, lineage_id: str) -> list[ApiKey]:
    """A key and those that it was rotated into, held in one order."""
    statement = select(ApiKey.table).where(ApiKey.c.lineage_id == lineage_id)
    return await tx.rows(ApiKey, statement.order_by(ApiKey.c.id).with_for_update())


async def update_lineage(tx: Transaction, lineage_id: str, values: Mapping[str, Any]) -> None:
    """Change a key and those that it was rotated into."""
    await tx.run(update(ApiKey.table).where(ApiKey.c.lineage_id == lineage_id).values(**values))


async def revoke(tx: Transaction, key_ids: Sequence[str], now: datetime) -> None:
    """End keys at once."""
    await tx.run(update(ApiKey.table).where(one_of(ApiKey.c.id, key_ids)).values(revoked_at=now, changed_at=now))


async def hand_over(tx: Transaction, key: ApiKey, now: datetime) -> None:
    """What was made with an ending key goes to the last of its lineage, or to its maker, whose rights included its own."""
    first = select(ApiKey.c.id).where(ending_with(key))
    await tx.rows(Ended, first.add_columns(ApiKey.c.digest).order_by(ApiKey.c.id).with_for_update())
    last = select(ApiKey.c.id).where(ApiKey.c.lineage_id == key.lineage_id, ApiKey.c.successor_id.is_(None))
    heir = key.maker_id if key.successor_id is None else await tx.scalar(last)
    values = {"maker_id": heir, "changed_at": now}
    await tx.run(update(ApiKey.table).where(ApiKey.c.maker_id.in_(first)).values(values))


def _visible(statement: Select[*tuple[Any, ...]], caller: Caller) -> Select[*tuple[Any, ...]]:
    """The wall between owners: the merchant's secret keys see all, every other key its own owner's."""
    return statement if caller.sees_all else statement.where(ApiKey.c.owner_id == caller.owner_id)


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
