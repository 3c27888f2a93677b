"""The SQL of profiles, their identifiers and traits."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import delete, func, select, update

from services.segments.profiles.models import Identifier, Profile, Trait
from services.segments.profiles.rules import USER, Key
from services.segments.rule_language.scalars import Scalar
from shared.db import Transaction, as_dict, insert_bulk, insert_ignore, one_of, upsert_bulk
from shared.ids import new_id


@dataclass(frozen=True, slots=True)
class Person:
    """A live profile, as the rest of the service needs it."""

    uid: int
    id: str
    customer_id: str | None


class _Known(NamedTuple):
    key: Key
    uid: int


class _Stated(NamedTuple):
    name: str
    value: str


class _Forms(NamedTuple):
    uid: int
    name: str
    text: str | None
    number: int | None
    moment: int | None
    day: int | None


_LIVE = select(Profile.c.uid, Profile.c.id, Profile.c.customer_id).where(Profile.c.status == "live")
_COUNT_LIVE = select(func.count()).where(Profile.c.status == "live")
_KNOWN = select(Identifier.c.key, Identifier.c.uid).where(one_of(Identifier.c.key, "keys"))
_LOCK = _LIVE.where(one_of(Profile.c.uid, "uids")).order_by(Profile.c.uid).with_for_update()
_DELETE = delete(Profile.table).where(one_of(Profile.c.uid, "uids"))
_FORMS = select(Trait.c.uid, Trait.c.name, Trait.c.text, Trait.c.number, Trait.c.moment, Trait.c.day).where(
    one_of(Trait.c.uid, "uids"), one_of(Trait.c.name, "names"), Trait.c.value.is_not(None)
)
_DELETE_UNVOUCHED = delete(Identifier.table).where(one_of(Identifier.c.key, "keys"), ~Identifier.c.vouched)
_USERS = f"{USER}:"


async def find_uids(tx: Transaction, keys: Collection[Key]) -> dict[Key, int]:
    """Who is known by each identifier (live profiles only ever hold identifiers)."""
    return {one.key: one.uid for one in await tx.rows(_Known, _KNOWN, {"keys": keys})}


async def find_customer(tx: Transaction, customer_id: str) -> Person | None:
    """The live profile of a customer, if there is one."""
    chosen = select(Profile.c.uid, Profile.c.id, Profile.c.customer_id).where(Profile.c.customer_id == customer_id)
    return await tx.row(Person, chosen)


async def find_profile(tx: Transaction, key: str) -> Profile | None:
    """By customer id, or by profile id (`prf_…`), also one that was joined to another since."""
    row = await tx.row(Profile, select(Profile.table).where(Profile.c.customer_id == key))
    if row is None:
        row = await tx.row(Profile, select(Profile.table).where(Profile.c.id == key))
    while row is not None and row.merged_into is not None:
        row = await tx.row(Profile, select(Profile.table).where(Profile.c.uid == row.merged_into))
    return row


async def find_after(tx: Transaction, uid: int, limit: int) -> list[Person]:
    """The next live profiles in the order of their uids."""
    return await tx.rows(Person, _LIVE.where(Profile.c.uid > uid).order_by(Profile.c.uid).limit(limit))


async def find_newest(tx: Transaction, limit: int) -> list[Person]:
    """The newest live profiles."""
    return await tx.rows(Person, _LIVE.order_by(Profile.c.uid.desc()).limit(limit))


async def count_live(tx: Transaction) -> int:
    """How many live profiles there are."""
    return int(await tx.scalar(_COUNT_LIVE))


async def lock(tx: Transaction, uids: Collection[int]) -> dict[int, Person]:
    """Hold these profiles until the transaction ends; answers those that are live. In uid order: no deadlocks."""
    return {one.uid: one for one in await tx.rows(Person, _LOCK, {"uids": uids})}


async def insert_profiles(tx: Transaction, keys: Iterable[Key], now: datetime) -> None:
    """A new profile for each user or anonymous identifier. Somebody else may insert the same at the same time: then
    theirs stays. Sorted, so that two transactions never wait for each other."""
    rows = {
        key: {
            "id": new_id("prf"),
            "customer_id": key.removeprefix(_USERS) if key.startswith(_USERS) else None,
            "status": "live",
            "created_at": now,
        }
        for key in sorted(keys)
    }
    made = await insert_ignore(tx, Profile.table, list(rows.values()), returning=[Profile.c.uid, Profile.c.id])
    uids = {profile_id: uid for uid, profile_id in made}
    links = {key: uids[row["id"]] for key, row in rows.items() if row["id"] in uids}
    kept = await insert_identifiers(tx, links, now)
    orphans = [uid for key, uid in links.items() if key not in kept]
    if orphans:
        await tx.run(_DELETE, {"uids": orphans})


async def find_identifiers(tx: Transaction, uid: int) -> list[Key]:
    """What somebody is known by."""
    chosen = select(Identifier.c.key).where(Identifier.c.uid == uid).order_by(Identifier.c.key)
    return await tx.scalars(chosen)


async def insert_identifiers(
    tx: Transaction, links: Mapping[Key, int], now: datetime, *, vouched: bool = True
) -> set[Key]:
    """Add identifiers to profiles; one that already belongs to somebody stays where it is. Answers those added."""
    rows = [{"key": key, "uid": uid, "vouched": vouched, "created_at": now} for key, uid in sorted(links.items())]
    return {key for (key,) in await insert_bulk(tx, Identifier.table, rows, ignore=True)}


async def delete_unvouched(tx: Transaction, keys: Collection[Key]) -> None:
    """Take from whoever has them the identifiers that only a shopper said are theirs: the merchant says whose they are."""
    if keys:
        await tx.run(_DELETE_UNVOUCHED, {"keys": sorted(keys)})


async def find_stated(tx: Transaction, uid: int) -> dict[str, str]:
    """The traits of one profile as JSON text, by name."""
    chosen = select(Trait.c.name, Trait.c.value).where(Trait.c.uid == uid, Trait.c.value.is_not(None))
    return {one.name: one.value for one in await tx.rows(_Stated, chosen.order_by(Trait.c.name))}


async def find_traits(tx: Transaction, names: Collection[str], uids: Collection[int]) -> dict[tuple[int, str], Scalar]:
    """(uid, trait) → comparable forms; nothing where a trait is missing."""
    if not names or not uids:
        return {}
    rows = await tx.rows(_Forms, _FORMS, {"uids": uids, "names": names})
    return {(one.uid, one.name): Scalar(one.text, one.number, one.moment, one.day) for one in rows}


async def update_traits(tx: Transaction, rows: Sequence[Mapping[str, Any]]) -> None:
    """Last write wins by the trait's own time, the merchant's before all of shoppers'; a later arrival wins a tie.

    One row for each (uid, name).
    """
    ordered = sorted(rows, key=lambda row: (row["uid"], row["name"]))
    changed = ("value", "text", "number", "moment", "day", "at", "vouched")
    await upsert_bulk(tx, Trait.table, ordered, changed, newer=("vouched", "at"))


async def merge(tx: Transaction, loser: int, winner: int) -> None:
    """The anonymous profile `loser` becomes part of `winner`: identifiers and traits (its events are moved by the caller)."""
    await tx.run(update(Identifier.table).where(Identifier.c.uid == loser).values(uid=winner))
    rows = await tx.rows(Trait, select(Trait.table).where(Trait.c.uid == loser))
    await update_traits(tx, [{**as_dict(row), "uid": winner} for row in rows])
    await tx.run(delete(Trait.table).where(Trait.c.uid == loser))
    await tx.run(update(Profile.table).where(Profile.c.uid == loser).values(status="merged", merged_into=winner))
