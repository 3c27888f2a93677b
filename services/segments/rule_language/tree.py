"""The parts of a rule, after reading: combiners and three kinds of leaf. Frozen, comparable, without I/O.

A leaf carries its `id` (a hash of its canonical form, so equal leaves share their state between segments) and its `source`
(the normalised JSON, for people).
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from services.segments.rule_language.scalars import Scalar

NEGATIVE = frozenset({"ne", "not_in", "not_exists"})
"""The operators that a missing value satisfies."""


@dataclass(frozen=True, slots=True)
class Condition:
    """One comparison. `values`: one for eq, ne, gt …; two for between; many for in. Times compare with two bounds:
    `moment` for date-times, `day` for bare dates (already worked out in the segment's zone). `length`: within_last, in µs."""

    op: str
    values: tuple[Scalar, ...] = ()
    moment: int = 0
    day: int = 0
    length: int = 0
    zone: str = "UTC"


@dataclass(frozen=True, slots=True)
class Window:
    """When events count. `rolling`: now − length < ts ≤ now. `calendar`: whole local days, today included or not.
    `fixed`: start ≤ ts < end, either may be None. `always`: every event. Lengths and instants in µs, `days` in days."""

    kind: str = "always"
    length: int = 0
    days: int = 0
    include_today: bool = True
    zone: str = "UTC"
    start: int | None = None
    end: int | None = None


@dataclass(frozen=True, slots=True)
class TraitLeaf:
    """A condition on a trait."""

    id: int
    source: dict[str, Any] = field(compare=False)
    trait: str
    condition: Condition


@dataclass(frozen=True, slots=True)
class EventLeaf:
    """`currency` is set when the leaf touches amounts of money: it then sees events of that currency only."""

    id: int
    source: dict[str, Any] = field(compare=False)
    event: str
    measure: str
    property: str | None
    condition: Condition
    window: Window
    where: tuple[tuple[str, Condition], ...] = ()
    currency: str | None = None


@dataclass(frozen=True, slots=True)
class SegmentLeaf:
    """Being in another segment."""

    id: int
    source: dict[str, Any] = field(compare=False)
    segment: str


Leaf = TraitLeaf | EventLeaf | SegmentLeaf


@dataclass(frozen=True, slots=True)
class Every:
    """`all`: true when every child is."""

    children: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Some:
    """`any`: true when one child is."""

    children: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Complement:
    """`not`: the complement among live profiles."""

    child: "Node"


Node = Every | Some | Complement | Leaf


def leaves(node: Node) -> Iterator[Leaf]:
    """Every leaf of a tree, from left to right."""
    if isinstance(node, Every | Some):
        for child in node.children:
            yield from leaves(child)
    elif isinstance(node, Complement):
        yield from leaves(node.child)
    else:
        yield node


def truth(node: Node, known: dict[int, bool]) -> bool:
    """Compose a tree from the values of its leaves (by leaf id)."""
    if isinstance(node, Every):
        return all(truth(child, known) for child in node.children)
    if isinstance(node, Some):
        return any(truth(child, known) for child in node.children)
    if isinstance(node, Complement):
        return not truth(node.child, known)
    return known[node.id]
