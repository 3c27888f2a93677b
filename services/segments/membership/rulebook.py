"""The rulebook: every segment that is evaluated, compiled for looking up what an event or a trait touches.

A snapshot; each transaction makes sure that it has the newest (`Rulebooks.current`). Writers of single profiles (ingestion,
sweeper) hold a shared lock, changers of the book (definitions, backfill) an exclusive one, so nobody works with an old book.
"""

import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from graphlib import TopologicalSorter
from typing import Any

from sqlalchemy import func, select

from services.segments.membership.models import LeafDefinition, Rulebook, Segment
from services.segments.rules.measures import judge, judge_trait
from services.segments.rules.parser import parse_rule, references
from services.segments.rules.tree import EventLeaf, Leaf, Node, SegmentLeaf, TraitLeaf, leaves, truth
from services.segments.rules.windows import FOREVER
from shared.db import Transaction, table, upsert

segment = table(Segment)
leaf_definition = table(LeafDefinition)
rulebook = table(Rulebook)
_LOCK = 0x5E6_0001
"""PostgreSQL advisory lock of the book."""

StateLeaf = EventLeaf | TraitLeaf


@dataclass(frozen=True, slots=True)
class Compiled:
    """One segment, ready to evaluate. `coverage`: profiles up to this uid follow this version and are kept up to date."""

    id: str
    name: str
    version: int
    status: str
    node: Node
    coverage: int
    leaves: tuple[Leaf, ...]


@dataclass(frozen=True)
class Book:
    """`segments` in an order in which a segment comes after those that it refers to."""

    revision: int
    segments: tuple[Compiled, ...] = ()
    ready: frozenset[int] = frozenset()
    by_event: dict[str, list[EventLeaf]] = field(default_factory=dict)
    by_trait: dict[str, list[TraitLeaf]] = field(default_factory=dict)

    @cached_property
    def by_id(self) -> dict[str, Compiled]:
        return {one.id: one for one in self.segments}

    @cached_property
    def place(self) -> dict[str, int]:
        """Where a segment stands in the order of evaluation."""
        return {one.id: index for index, one in enumerate(self.segments)}

    @cached_property
    def state_leaves(self) -> dict[int, StateLeaf]:
        """Leaves with a state of their own, by id."""
        return {leaf.id: leaf for one in self.segments for leaf in one.leaves if not isinstance(leaf, SegmentLeaf)}

    @cached_property
    def users(self) -> dict[int, list[Compiled]]:
        """The segments that use a leaf, by leaf id."""
        found: dict[int, list[Compiled]] = {}
        for one in self.segments:
            for leaf in {leaf.id: leaf for leaf in one.leaves}:
                found.setdefault(leaf, []).append(one)
        return found

    @cached_property
    def dependents(self) -> dict[str, list[Compiled]]:
        """The segments that refer to a segment."""
        found: dict[str, list[Compiled]] = {}
        for one in self.segments:
            for leaf in one.leaves:
                if isinstance(leaf, SegmentLeaf):
                    found.setdefault(leaf.segment, []).append(one)
        return found

    @cached_property
    def defaults(self) -> dict[int, bool]:
        """What each leaf says about somebody who never did anything."""
        return {leaf_id: default_of(leaf) for leaf_id, leaf in self.state_leaves.items()}

    @cached_property
    def default_members(self) -> list[Compiled]:
        """The segments that somebody is in who never did anything."""
        inside: dict[str, bool] = {}
        for one in self.segments:
            known = {
                leaf.id: inside.get(leaf.segment, False) if isinstance(leaf, SegmentLeaf) else self.defaults[leaf.id]
                for leaf in one.leaves
            }
            inside[one.id] = truth(one.node, known)
        return [one for one in self.segments if inside[one.id]]

    @cached_property
    def _coverage(self) -> dict[int, int]:
        return {
            leaf_id: FOREVER if leaf_id in self.ready else max(one.coverage for one in self.users[leaf_id])
            for leaf_id in self.state_leaves
        }

    def covers(self, leaf_id: int, uid: int) -> bool:
        """Whether the state of this leaf is kept for this profile (else a backfill will come by)."""
        return uid <= self._coverage.get(leaf_id, -1)


def default_of(leaf: StateLeaf) -> bool:
    """What a leaf says where there is nothing: no event, no trait."""
    if isinstance(leaf, EventLeaf):
        return judge(leaf, (), 0).value
    return judge_trait(leaf, None, 0).value


def compile_book(revision: int, rows: Iterable[Any], ready: Iterable[int], nodes: dict[str, Node]) -> Book:
    """A book of segment rows (not archived), `nodes` being their parsed rules by segment id."""
    by_id = {row.id: row for row in rows}
    sorter = TopologicalSorter({one: references(nodes[one]) & by_id.keys() for one in sorted(by_id)})
    compiled = []
    by_event: dict[str, dict[int, EventLeaf]] = {}
    by_trait: dict[str, dict[int, TraitLeaf]] = {}
    for one in sorter.static_order():
        row = by_id[one]
        own = tuple(leaves(nodes[one]))
        coverage = FOREVER if row.status == "live" else row.cursor
        compiled.append(Compiled(one, row.name, row.version, row.status, nodes[one], coverage, own))
        for leaf in own:
            if isinstance(leaf, EventLeaf):
                by_event.setdefault(leaf.event, {})[leaf.id] = leaf
            elif isinstance(leaf, TraitLeaf):
                by_trait.setdefault(leaf.trait, {})[leaf.id] = leaf
    return Book(
        revision,
        tuple(compiled),
        frozenset(ready),
        {name: list(found.values()) for name, found in by_event.items()},
        {name: list(found.values()) for name, found in by_trait.items()},
    )


class Rulebooks:
    """The newest book, read again only when it changed."""

    def __init__(self, currency: str) -> None:
        self._currency = currency
        self._book = Book(-1)
        self._parsed: dict[tuple[str, int], Node] = {}

    async def current(self, tx: Transaction) -> Book:
        """The book as of this transaction, which must hold the lock."""
        revision = await tx.scalar(_REVISION) or 0
        if revision != self._book.revision:
            self._book = await self._load(tx, revision)
        return self._book

    async def _load(self, tx: Transaction, revision: int) -> Book:
        rows: Sequence[Any] = (await tx.execute(select(segment).where(segment.c.status != "archived"))).all()
        ready = (await tx.execute(select(leaf_definition.c.id).where(leaf_definition.c.ready))).scalars().all()
        parsed = {(row.id, row.version): self._parsed.get((row.id, row.version)) or self.parse(row) for row in rows}
        self._parsed = parsed
        return compile_book(revision, rows, ready, {one: node for (one, _), node in parsed.items()})

    def parse(self, row: Any) -> Node:
        """The tree of a stored segment."""
        return parse_rule(row.rule, time_zone=row.time_zone, currency=self._currency)


_REVISION = select(rulebook.c.revision).where(rulebook.c.id == 1)


# These transactions look up lists of a thousand keys: a plan that PostgreSQL kept from when the tables were small would
# compare each row with each key.
_PLAN_FRESH = func.set_config("plan_cache_mode", "force_custom_plan", True)


async def hold_shared(tx: Transaction) -> None:
    """Work on single profiles: many at a time, none while the book changes."""
    if tx.dialect == "postgresql":
        await tx.execute(select(func.pg_advisory_xact_lock_shared(_LOCK), _PLAN_FRESH))


async def hold_exclusive(tx: Transaction) -> None:
    """Change the book, or go over all profiles: nobody else works meanwhile. First thing in the transaction."""
    if tx.dialect == "postgresql":
        await tx.execute(select(func.pg_advisory_xact_lock(_LOCK), _PLAN_FRESH))


async def turn_page(tx: Transaction) -> None:
    """Tell every process that the book changed. A number that never comes twice: a transaction that is rolled back must
    not leave a book in memory that passes for the next one."""
    await upsert(tx, rulebook, [{"id": 1, "revision": secrets.randbits(62)}], ("id",), ("revision",))
