"""What is known of profiles, read from the stored events and traits: the slow and sure way to measure a leaf."""

from collections.abc import Collection, Iterable, Sequence
from typing import Any

from sqlalchemy import select

from services.segments.membership.rulebook import StateLeaf
from services.segments.profiles.models import Trait
from services.segments.rules.measures import Contribution, contribution, order
from services.segments.rules.scalars import Scalar
from services.segments.rules.tree import EventLeaf, TraitLeaf
from services.segments.rules.windows import bounds
from services.segments.sets import any_of
from services.segments.tracking.models import StoredEvent
from shared.db import Transaction, table

event = table(StoredEvent)
trait = table(Trait)

Evidence = dict[tuple[int, int], list[Contribution]]
"""(uid, leaf id) → sorted contributions."""


async def load_evidence(tx: Transaction, leaves: Iterable[StateLeaf], uids: Collection[int], since: int) -> Evidence:
    """The contributions of these profiles to these leaves, for verdicts as of `since` (µs) and later."""
    wanted = {leaf.id: leaf for leaf in leaves if isinstance(leaf, EventLeaf)}
    by_name: dict[str, list[EventLeaf]] = {}
    for leaf in wanted.values():
        by_name.setdefault(leaf.event, []).append(leaf)
    found: Evidence = {}
    if not by_name or not uids:
        return found
    for row in await _events(tx, by_name, uids, since):
        for leaf in by_name[row.name]:
            one = contribution(leaf, row.ts, row.facts or {})
            if one is not None:
                found.setdefault((row.uid, leaf.id), []).append(one)
    for contributions in found.values():
        contributions.sort(key=order)
    return found


async def _events(
    tx: Transaction, by_name: dict[str, list[EventLeaf]], uids: Collection[int], since: int
) -> Sequence[Any]:
    starts = [bounds(leaf.window, since)[0] for leaves in by_name.values() for leaf in leaves]
    chosen = select(event.c.uid, event.c.name, event.c.ts, event.c.facts).where(
        any_of(tx, event.c.uid, uids), any_of(tx, event.c.name, by_name)
    )
    if starts and None not in starts:
        chosen = chosen.where(event.c.ts >= min(start for start in starts if start is not None))
    return (await tx.execute(chosen)).all()


async def load_traits(
    tx: Transaction, leaves: Iterable[StateLeaf], uids: Collection[int]
) -> dict[tuple[int, str], Scalar]:
    """(uid, trait) → comparable forms, of the traits that the leaves ask for; nothing where a trait is missing."""
    names = {leaf.trait for leaf in leaves if isinstance(leaf, TraitLeaf)}
    if not names or not uids:
        return {}
    columns = (trait.c.uid, trait.c.name, trait.c.text, trait.c.number, trait.c.moment, trait.c.day)
    chosen = select(*columns).where(
        any_of(tx, trait.c.uid, uids), any_of(tx, trait.c.name, names), trait.c.value.is_not(None)
    )
    rows = (await tx.execute(chosen)).all()
    return {(row.uid, row.name): Scalar(row.text, row.number, row.moment, row.day) for row in rows}
