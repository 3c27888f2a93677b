"""The SQL of people."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import delete, select, update

from services.segments.profiles.models import Identifier, Profile, Trait
from services.segments.profiles.rules import USER, Key
from services.segments.sets import any_of
from shared.db import Transaction, excluded, insert_ignore, table, upsert
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


async def find_uids(tx: Transaction, keys: Iterable[Key]) -> dict[Key, int]:
    """Who is known by each identifier (live profiles only ever hold identifiers)."""
    by_type: dict[str, list[str]] = {}
    for kind, value in keys:
        by_type.setdefault(kind, []).append(value)
    found: dict[Key, int] = {}
    for kind, values in sorted(by_type.items()):
        columns = (identifiers.c.value, identifiers.c.uid)
        chosen = select(*columns).where(identifiers.c.type == kind, any_of(tx, identifiers.c.value, values))
        found.update({(kind, row.value): row.uid for row in (await tx.execute(chosen)).all()})
    return found


async def create(tx: Transaction, keys: Sequence[Key], now: datetime) -> None:
    """A new profile for each identifier (USER or ANONYMOUS). Somebody else may create the same at the same time: then
    theirs stays. Sorted, so that two transactions never wait for each other."""
    rows = [
        {
            "id": new_id("prf"),
            "customer_id": value if kind == USER else None,
            "status": "live",
            "created_at": now,
        }
        for kind, value in sorted(keys)
    ]
    made = await insert_ignore(tx, profile, rows, returning=[profile.c.uid, profile.c.id])
    uids = {row.id: row.uid for row in made}
    named = [
        {"type": kind, "value": value, "uid": uids[row["id"]], "created_at": now}
        for (kind, value), row in zip(sorted(keys), rows, strict=True)
        if row["id"] in uids
    ]
    kept = await insert_ignore(tx, identifiers, named, returning=[identifiers.c.type, identifiers.c.value])
    lost = {(row["type"], row["value"]) for row in named} - {(row.type, row.value) for row in kept}
    orphans = [row["uid"] for row in named if (row["type"], row["value"]) in lost]
    if orphans:
        await tx.execute(delete(profile).where(any_of(tx, profile.c.uid, orphans)))


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


async def attach(tx: Transaction, links: Mapping[Key, int], now: datetime) -> None:
    """Add identifiers to profiles; one that already belongs to somebody stays where it is."""
    rows = [
        {"type": kind, "value": value, "uid": uid, "created_at": now} for (kind, value), uid in sorted(links.items())
    ]
    await insert_ignore(tx, identifiers, rows)


async def set_traits(tx: Transaction, rows: Sequence[Mapping[str, Any]]) -> None:
    """Last write wins by the trait's own time; a later arrival wins a tie. One row for each (uid, name)."""
    columns = ("value", "text", "number", "moment", "day", "at")
    ordered = sorted(rows, key=lambda row: (row["uid"], row["name"]))
    await upsert(tx, trait, ordered, ("uid", "name"), columns, where=trait.c.at <= excluded(tx, trait).at)


async def absorb(tx: Transaction, loser: int, winner: int) -> None:
    """The anonymous profile `loser` becomes part of `winner`: identifiers and traits (its events are tracking's to move)."""
    await tx.execute(update(identifiers).where(identifiers.c.uid == loser).values(uid=winner))
    rows = (await tx.execute(select(trait).where(trait.c.uid == loser))).mappings().all()
    await set_traits(tx, [{**row, "uid": winner} for row in rows])
    await tx.execute(delete(trait).where(trait.c.uid == loser))
    await tx.execute(update(profile).where(profile.c.uid == loser).values(status="merged", merged_into=winner))
