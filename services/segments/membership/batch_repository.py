"""The batch evaluator: a rule as one SQL statement over all live profiles.

Every cut-off is worked out in Python and bound; no statement holds date arithmetic. Each leaf is a set of uids (a CTE); all, any
and not are INTERSECT, UNION and EXCEPT. A leaf that is true of people without any event is the complement of its opposite.
"""

from itertools import count
from typing import Any, NamedTuple

from sqlalchemy import CTE, Select, and_, except_, func, intersect, not_, select, union

from services.segments.events.models import StoredEvent
from services.segments.membership import condition_repository as conditions
from services.segments.membership.condition_repository import Forms, comparison
from services.segments.membership.models import Membership
from services.segments.membership.rule_set import default_of
from services.segments.profiles.models import Profile, Trait
from services.segments.rule_language.tree import (
    NEGATIVE,
    Complement,
    EventLeaf,
    Every,
    Node,
    SegmentLeaf,
    Some,
    TraitLeaf,
)
from services.segments.rule_language.windows import bounds
from shared.db import Transaction


class Selected(NamedTuple):
    """Somebody whom a rule selects; `total`: how many there are."""

    id: str
    customer_id: str | None
    total: int


async def find_selected(tx: Transaction, node: Node, now: int, limit: int) -> list[Selected]:
    """Some of those whom a rule selects as of `now` (µs), the oldest profiles first."""
    members = Batch(tx, now).members(node)
    total = select(func.count()).select_from(members).scalar_subquery()
    chosen = select(Profile.c.id, Profile.c.customer_id, total.label("total"))
    chosen = chosen.join(members, members.c.uid == Profile.c.uid).order_by(Profile.c.uid)
    return await tx.rows(Selected, chosen.limit(limit))


class Batch:
    """Builds the statement of one rule as of `now` (µs)."""

    def __init__(self, tx: Transaction, now: int) -> None:
        self._tx = tx
        self._now = now
        self._names = count(1)
        self._live = select(Profile.c.uid).where(Profile.c.status == "live").cte("live")

    def members(self, node: Node) -> CTE:
        """The uids of the members."""
        return self._named(intersect(select(self._live.c.uid), select(self._set(node).c.uid)))

    def _named(self, statement: Any) -> CTE:
        named: CTE = statement.cte(f"part_{next(self._names)}")
        return named

    def _set(self, node: Node) -> CTE:
        if isinstance(node, Every | Some):
            sets = [select(self._set(child).c.uid) for child in node.children]
            return self._named(intersect(*sets) if isinstance(node, Every) else union(*sets))
        if isinstance(node, Complement):
            return self._without(self._set(node.child))
        if isinstance(node, SegmentLeaf):
            return self._named(select(Membership.c.uid).where(Membership.c.segment_id == node.segment))
        return self._trait(node) if isinstance(node, TraitLeaf) else self._event(node)

    def _without(self, excluded: CTE) -> CTE:
        return self._named(except_(select(self._live.c.uid), select(excluded.c.uid)))

    def _trait(self, leaf: TraitLeaf) -> CTE:
        forms = Forms(Trait.c.text, Trait.c.number, Trait.c.moment, Trait.c.day)
        holds = conditions.positive(self._tx, forms, leaf.condition, self._now)
        found = select(Trait.c.uid).where(Trait.c.name == leaf.trait, Trait.c.value.is_not(None), holds)
        return self._without(self._named(found)) if leaf.condition.op in NEGATIVE else self._named(found)

    def _event(self, leaf: EventLeaf) -> CTE:
        """Those of whom the leaf says something else than of people without events, or all others."""
        opposite = default_of(leaf)
        statement = self._edge(leaf, opposite) if leaf.measure in ("first", "last") else self._measured(leaf, opposite)
        return self._without(self._named(statement)) if opposite else self._named(statement)

    def _chosen(self, leaf: EventLeaf, *columns: Any) -> Select[Any]:
        """The events that count."""
        start, end = bounds(leaf.window, self._now)
        chosen = select(*columns).where(StoredEvent.c.name == leaf.event)
        if start is not None:
            chosen = chosen.where(StoredEvent.c.ts >= start)
        if end is not None:
            chosen = chosen.where(StoredEvent.c.ts < end)
        if leaf.currency is not None:
            chosen = chosen.where(func.coalesce(conditions.fact_text("currency"), leaf.currency) == leaf.currency)
        for name, condition in leaf.where:
            chosen = chosen.where(conditions.of_fact(self._tx, name, condition))
        return chosen

    def _measured(self, leaf: EventLeaf, opposite: bool) -> Select[Any]:
        chosen = self._chosen(leaf, StoredEvent.c.uid).group_by(StoredEvent.c.uid)
        number = conditions.fact_number(leaf.property) if leaf.property else None
        if leaf.measure == "distinct" and leaf.property:
            text = conditions.fact_text(leaf.property)
            chosen = chosen.where(text.is_not(None))
            holds = conditions.number_holds(func.count(text.distinct()) * conditions.scale(), leaf.condition)
        elif number is None:
            holds = conditions.number_holds(func.count() * conditions.scale(), leaf.condition)
        else:
            chosen = chosen.where(number.is_not(None))
            holds = conditions.aggregate_holds(leaf.measure, number, leaf.condition)
        return chosen.having(not_(holds) if opposite else holds)

    def _edge(self, leaf: EventLeaf, opposite: bool) -> Select[Any]:
        """first and last: of the time, or of a property."""
        if leaf.property is None:
            chosen = self._chosen(leaf, StoredEvent.c.uid).group_by(StoredEvent.c.uid)
            moment = func.min(StoredEvent.c.ts) if leaf.measure == "first" else func.max(StoredEvent.c.ts)
            holds = comparison(self._tx, Forms(moment, None, moment, None), leaf.condition, self._now)
            return chosen.having(not_(holds) if opposite else holds)
        forms = Forms.of_fact(leaf.property)
        text = forms.text.collate("C") if self._tx.dialect == "postgresql" else forms.text
        order = (StoredEvent.c.ts, text) if leaf.measure == "first" else (StoredEvent.c.ts.desc(), text.desc())
        place = func.row_number().over(partition_by=StoredEvent.c.uid, order_by=order).label("place")
        columns = (
            StoredEvent.c.uid,
            forms.text.label("t"),
            forms.number.label("n"),
            forms.moment.label("m"),
            forms.day.label("d"),
        )
        edge = self._chosen(leaf, *columns, place).where(forms.text.is_not(None)).subquery()
        found = Forms(edge.c.t, edge.c.n, edge.c.m, edge.c.d)
        holds = comparison(self._tx, found, leaf.condition, self._now)
        return select(edge.c.uid).where(and_(edge.c.place == 1, not_(holds) if opposite else holds))
