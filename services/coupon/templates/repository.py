"""The SQL of the offers."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any, NamedTuple

import orjson
from sqlalchemy import Row, bindparam, insert, or_, select, tuple_, update

from services.coupon.statements import padded
from services.coupon.templates.models import Template, TemplateDay, TemplateTerms
from services.coupon.templates.rules import Kind, worst_case
from services.coupon.templates.terms import Terms
from shared.db import Transaction, excluded, upsert

TermsKey = tuple[str, int]
"""Template id and version of its terms."""
_MOST_TERMS = 10_000

# Built once: the claims' path runs them for every batch.
_LOCK = (
    select(Template.table)
    .where(Template.c.id.in_(bindparam("ids", expanding=True)))
    .order_by(Template.c.id)
    .with_for_update()
)
_COUNT = (
    update(Template.table)
    .where(Template.c.id == bindparam("counted_id"))
    .values(
        issued=Template.c.issued + bindparam("more_issued"),
        budget_spent=Template.c.budget_spent + bindparam("more_spent"),
    )
)
_COUNT_GRANTS = _COUNT.values(granted_by=bindparam("by"))


@dataclass(frozen=True)
class Snapshot:
    """One version of an offer's terms, with what is made of it again and again."""

    terms: Terms

    @cached_property
    def worst_case(self) -> int | None:
        return worst_case(self.terms.benefit)

    @cached_property
    def benefit(self) -> dict[str, Any]:
        return self.terms.benefit.model_dump(mode="json", exclude_none=True)

    @cached_property
    def threshold(self) -> dict[str, Any]:
        return self.terms.threshold.model_dump(mode="json", exclude_none=True)

    @cached_property
    def fragments(self) -> tuple[orjson.Fragment, orjson.Fragment]:
        """Benefit and threshold as JSON, ready to be set into an answer."""
        return orjson.Fragment(orjson.dumps(self.benefit)), orjson.Fragment(orjson.dumps(self.threshold))


class _Name(NamedTuple):
    id: str
    name: str


class TermsBook:
    """Terms by template and version. They never change, so what was read once is kept in memory."""

    def __init__(self) -> None:
        self._known: dict[TermsKey, Snapshot] = {}

    async def load(self, tx: Transaction, keys: Collection[TermsKey]) -> dict[TermsKey, Snapshot]:
        """The terms of every key. A coupon without terms would be a broken database: KeyError."""
        missing = sorted({key for key in keys if key not in self._known})
        if missing:
            if len(self._known) + len(missing) > _MOST_TERMS:
                self._known.clear()
            match = tuple_(TemplateTerms.c.template_id, TemplateTerms.c.version).in_(padded(missing))
            for row in await tx.execute(select(TemplateTerms.table).where(match)):
                self._known[row.template_id, row.version] = Snapshot(Terms.model_validate(row.terms))
        return {key: self._known[key] for key in keys}


async def find(tx: Transaction, template_id: str, kind: Kind = "coupon") -> Template | None:
    """The offer as it is; not locked."""
    chosen = select(Template.table).where(Template.c.id == template_id, Template.c.kind == kind)
    return await tx.row(Template, chosen)


async def running(tx: Transaction, kind: Kind, currency: str, now: datetime, limit: int) -> Sequence[Row[Any]]:
    """The newest active offers of that kind which have not ended."""
    open_ended = or_(Template.c.ends_at.is_(None), Template.c.ends_at > now)
    chosen = select(Template.c.id, Template.c.kind, Template.c.name, Template.c.terms_version)
    active = chosen.where(Template.c.kind == kind, Template.c.status == "active", Template.c.currency == currency)
    return (await tx.execute(active.where(open_ended).order_by(Template.c.id.desc()).limit(limit))).all()


async def in_centre(tx: Transaction, now: datetime, after: str | None, limit: int) -> list[Template]:
    """The next offers of the claim centre that have not ended, newest first, behind `after`."""
    columns = Template.c
    open_ended = or_(columns.ends_at.is_(None), columns.ends_at > now)
    chosen = select(Template.table).where(
        columns.kind == "coupon", columns.status == "active", columns.visible_in_centre, open_ended
    )
    if after is not None:
        chosen = chosen.where(columns.id < after)
    return await tx.rows(Template, chosen.order_by(columns.id.desc()).limit(limit))


async def names(tx: Transaction, template_ids: Sequence[str]) -> dict[str, str]:
    """What these offers are called, by id."""
    if not template_ids:
        return {}
    chosen = select(Template.c.id, Template.c.name).where(Template.c.id.in_(padded(template_ids)))
    return {row.id: row.name for row in await tx.rows(_Name, chosen)}


async def lock(tx: Transaction, template_ids: Sequence[str]) -> dict[str, Template]:
    """The templates, locked until the end of the transaction, always in the order of their ids."""
    if not template_ids:
        return {}
    return {row.id: row for row in await tx.rows(Template, _LOCK, {"ids": padded(template_ids)})}


async def add(tx: Transaction, template: dict[str, Any], terms: dict[str, Any]) -> None:
    await tx.execute(insert(Template.table), template)
    await tx.execute(insert(TemplateTerms.table), terms)


async def count(tx: Transaction, changes: Sequence[dict[str, Any]], by: str | None = None) -> None:
    """Move counters: rows of `counted_id`, `more_issued` and `more_spent`. The CHECKs refuse to pass a limit.

    `by` is the process that gives coupons out.
    """
    if not changes:
        return
    statement = _COUNT
    if by is not None:
        statement, changes = _COUNT_GRANTS, [{**change, "by": by} for change in changes]
    await tx.execute(statement, changes[0] if len(changes) == 1 else changes)


async def days(tx: Transaction, keys: Sequence[tuple[str, str]]) -> dict[tuple[str, str], int]:
    """How many were issued, by (template_id, day)."""
    if not keys:
        return {}
    match = tuple_(TemplateDay.c.template_id, TemplateDay.c.day).in_(padded(keys))
    return {(row.template_id, row.day): row.issued for row in await tx.execute(select(TemplateDay.table).where(match))}


async def count_days(tx: Transaction, rows: Sequence[dict[str, Any]]) -> None:
    """Add `issued` to the counters of the days; the template's row lock is held."""
    added = {"issued": TemplateDay.c.issued + excluded(tx, TemplateDay.table).issued}
    await upsert(tx, TemplateDay.table, rows, key=["template_id", "day"], update_columns=added)
