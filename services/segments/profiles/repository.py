"""The SQL of people."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import delete, select, update

from services.segments.profiles.models import Identifier, Profile, Trait
from services.segments.profiles.rules import USER, Key
from services.segments.sets import any_of, insert_new, put
from shared.db import Transaction, insert_ignore, table
from shared.ids import new_id

profile = table(Profile)
identifiers = table(Identifier)
trait = table(Trait)


@dataclass(frozen=True, slots=True)
class Person:
    """A live profile, as the rest of the service needs it."""

    uid: int
    id: str
    customer_id: str | None


async def find_uids(tx: Transaction, keys: Collection[Key]) -> dict[Key, int]:
    """Who is known by each identifier (live profiles only ever hold identifiers)."""
    chosen = select(identifiers.c.key, identifiers.c.uid).where(any_of(tx, identifiers.c.key, keys))
    return {row.key: row.uid for row in (await tx.execute(chosen)).all()}


async def create(tx: Transaction, keys: Sequence[Key], now: datetime) -> None:
    """A new profile for each user or anonymous identifier. Somebody else may create the same at the same time: then
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
    made = await insert_ignore(tx, profile, list(rows.values()), returning=[profile.c.uid, profile.c.id])
    uids = {profile_id: uid for uid, profile_id in made}
    links = {key: uids[row["id"]] for key, row in rows.items() if row["id"] in uids}
    kept = await attach(tx, links, now)
    orphans = [uid for key, uid in links.items() if key not in kept]
    if orphans:
        await tx.execute(delete(profile).where(any_of(tx, profile.c.uid, orphans)))


_USERS = f"{USER}:"


async def lock(tx: Transaction, uids: Collection[int]) -> dict[int, Person]:
    """Hold these profiles until the transaction ends; answers those that are live. In uid order: no deadlocks."""
    columns = (profile.c.uid, profile.c.id, profile.c.customer_id)
    chosen = select(*columns).where(any_of(tx, profile.c.uid, uids), profile.c.status == "live").order_by(profile.c.uid)
    if tx.dialect == "postgresql":
        chosen = chosen.with_for_update()
    return {row.uid: Person(row.uid, row.id, row.customer_id) for row in (await tx.execute(chosen)).all()}


async def people(tx: Transaction, uids: Collection[int]) -> dict[int, Person]:
    """The live profiles among `uids`, without holding them."""
    columns = (profile.c.uid, profile.c.id, profile.c.customer_id)
    chosen = select(*columns).where(any_of(tx, profile.c.uid, uids), profile.c.status == "live")
    return {row.uid: Person(row.uid, row.id, row.customer_id) for row in (await tx.execute(chosen)).all()}


async def attach(tx: Transaction, links: Mapping[Key, int], now: datetime) -> set[Key]:
    """Add identifiers to profiles; one that already belongs to somebody stays where it is. Answers those added."""
    rows = [{"key": key, "uid": uid, "created_at": now} for key, uid in sorted(links.items())]
    return await insert_new(tx, identifiers, rows, identifiers.c.key)


async def set_traits(tx: Transaction, rows: Sequence[Mapping[str, Any]]) -> None:
    """Last write wins by the trait's own time; a later arrival wins a tie. One row for each (uid, name)."""
    ordered = sorted(rows, key=lambda row: (row["uid"], row["name"]))
    await put(tx, trait, ordered, ("value", "text", "number", "moment", "day", "at"), newer="at")


async def absorb(tx: Transaction, loser: int, winner: int) -> None:
    """The anonymous profile `loser` becomes part of `winner`: identifiers and traits (its events are tracking's to move)."""
    await tx.execute(update(identifiers).where(identifiers.c.uid == loser).values(uid=winner))
    rows = (await tx.execute(select(trait).where(trait.c.uid == loser))).mappings().all()
    await set_traits(tx, [{**row, "uid": winner} for row in rows])
    await tx.execute(delete(trait).where(trait.c.uid == loser))
    await tx.execute(update(profile).where(profile.c.uid == loser).values(status="merged", merged_into=winner))
