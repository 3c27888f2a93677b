"""What is known of profiles, found in the stored events and traits: the slow and sure way to measure a leaf."""

from collections.abc import Collection, Iterable

from services.segments.events.repository import find_happened
from services.segments.membership.rule_set import StateLeaf
from services.segments.profiles import repository as profiles
from services.segments.rule_language.measures import Contribution, contribution, order
from services.segments.rule_language.scalars import Scalar
from services.segments.rule_language.tree import EventLeaf, TraitLeaf
from services.segments.rule_language.windows import bounds
from shared.db import Transaction

Evidence = dict[tuple[int, int], list[Contribution]]
"""(uid, leaf id) → sorted contributions."""


async def find_evidence(tx: Transaction, leaves: Iterable[StateLeaf], uids: Collection[int], since: int) -> Evidence:
    """The contributions of these profiles to these leaves, for verdicts as of `since` (µs) and later."""
    wanted = {leaf.id: leaf for leaf in leaves if isinstance(leaf, EventLeaf)}
    by_name: dict[str, list[EventLeaf]] = {}
    for leaf in wanted.values():
        by_name.setdefault(leaf.event, []).append(leaf)
    found: Evidence = {}
    if not by_name or not uids:
        return found
    for row in await find_happened(tx, by_name.keys(), uids, _start(wanted.values(), since)):
        for leaf in by_name[row.name]:
            one = contribution(leaf, row.ts, row.facts or {})
            if one is not None:
                found.setdefault((row.uid, leaf.id), []).append(one)
    for contributions in found.values():
        contributions.sort(key=order)
    return found


def _start(leaves: Iterable[EventLeaf], since: int) -> int | None:
    """The first instant (µs) that one of the windows reaches; None when one reaches to the beginning."""
    starts = [bounds(leaf.window, since)[0] for leaf in leaves]
    bounded = [start for start in starts if start is not None]
    return min(bounded) if len(bounded) == len(starts) else None


async def find_traits(
    tx: Transaction, leaves: Iterable[StateLeaf], uids: Collection[int]
) -> dict[tuple[int, str], Scalar]:
    """(uid, trait) → comparable forms, of the traits that the leaves ask for; nothing where a trait is missing."""
    return await profiles.find_traits(tx, {leaf.trait for leaf in leaves if isinstance(leaf, TraitLeaf)}, uids)
