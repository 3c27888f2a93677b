"""Leased sub-quotas 子配额: the SQL of lending a part of an offer's limits to a process, and of taking it back.

A lease is taken from the offer's counters when it is given, so the counters and their CHECKs never know more than there is.
Rows are locked template first, then its leases; whoever uses its own lease locks nothing but that. Taking back needs the
template's row, and waits for a batch that uses the lease just now.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import BigInteger, ColumnElement, bindparam, cast, delete, func, insert, select, update

from services.coupon.templates import repository
from services.coupon.templates.models import QuotaLease, Template
from shared.db import Due, Prepared, Transaction, one_of


@dataclass(frozen=True, slots=True)
class Leased:
    """What processes hold of one offer and have not given out: coupons, and minor units of its budget."""

    unused: int
    budget: int


NOTHING = Leased(0, 0)


class LeasedTemplate(NamedTuple):
    """What a lease's coupons are given by: its template, and what is left of the lease."""

    id: str
    owner_id: str
    name: str
    status: str
    currency: str
    terms_version: int
    per_customer: int | None
    per_day: int | None
    budget: int | None
    budget_on: str
    granted_by: str | None
    unused: int
    cost: int
    day: str | None


class _Sums(NamedTuple):
    template_id: str
    units: int
    budget: int


# Built once: the claims' path runs it for every batch. The template's row comes without a lock of its own: nothing but
# counters can change in it while this lease stands, because every change of the offer takes the leases back first.
_USE = Prepared(
    select(
        *(
            QuotaLease.c[name] if name in ("unused", "cost", "day") else Template.c[name]
            for name in LeasedTemplate._fields
        )
    )
    .join_from(QuotaLease.table, Template.table, Template.c.id == QuotaLease.c.template_id)
    .where(QuotaLease.c.holder == bindparam("me"), one_of(QuotaLease.c.template_id, "ids"))
    .order_by(QuotaLease.c.template_id)
    .with_for_update(of=QuotaLease.table)
)
_SPEND = Prepared(
    update(QuotaLease.table)
    .where(QuotaLease.c.template_id == bindparam("of_template"), QuotaLease.c.holder == bindparam("me"))
    .values(unused=QuotaLease.c.unused - bindparam("used"))
)
_UNUSED = (
    select(
        QuotaLease.c.template_id,
        cast(func.sum(QuotaLease.c.unused), BigInteger).label("units"),
        cast(func.sum(QuotaLease.c.unused * QuotaLease.c.cost), BigInteger).label("budget"),
    )
    .where(one_of(QuotaLease.c.template_id, "ids"))
    .group_by(QuotaLease.c.template_id)
)


async def lock(tx: Transaction, holder: str, template_ids: Sequence[str]) -> dict[str, LeasedTemplate]:
    """The offers with this holder's leases, which are locked until the end of the transaction."""
    return {row.id: row for row in await tx.rows(LeasedTemplate, _USE, {"me": holder, "ids": template_ids})}


async def spend(tx: Transaction, holder: str, used: dict[str, int]) -> None:
    """Take so many out of this holder's leases, which `lock` locked. The CHECK refuses to take more than there are."""
    for key, number in sorted(used.items()):
        await tx.run(_SPEND, {"of_template": key, "me": holder, "used": number})


async def insert_lease(tx: Transaction, holder: str, row: dict[str, Any]) -> None:
    """Give `holder` a lease (`template_id`, `unused`, `cost`, `day`, `expires_at`); the offer's counters move with it."""
    await tx.run(insert(QuotaLease.table), {**row, "holder": holder})


async def take_back(tx: Transaction, template_id: str, holder: str | None = None) -> list[QuotaLease]:
    """End the leases of an offer whose row this transaction holds: all, or one holder's. The caller moves the counters."""
    chosen = QuotaLease.c.template_id == template_id
    if holder is not None:
        chosen &= QuotaLease.c.holder == holder
    return await _delete(tx, chosen)


async def give_back(tx: Transaction, returned: Sequence[QuotaLease]) -> None:
    """Put what was unused of ended leases back into the counters of their offers, whose rows this transaction holds."""
    units: Counter[str] = Counter()
    spent: Counter[str] = Counter()
    days: Counter[tuple[str, str]] = Counter()
    for row in returned:
        units[row.template_id] += row.unused
        spent[row.template_id] += row.unused * row.cost
        if row.day is not None:
            days[row.template_id, row.day] += row.unused
    changes = [
        {"id": key, "more_issued": -units[key], "more_spent": -spent[key]} for key in sorted(units) if units[key]
    ]
    repository.count(tx, changes)
    await repository.uncount_days(tx, {key: number for key, number in days.items() if number})


async def lock_whole(tx: Transaction, template_id: str) -> Template | None:
    """The offer, locked until the end of the transaction, with nothing of it leased to anybody."""
    row = (await repository.lock(tx, [template_id])).get(template_id)
    if row is None:
        return None
    returned = await take_back(tx, template_id)
    if not returned:
        return row
    await give_back(tx, returned)
    return (await repository.lock(tx, [template_id]))[template_id]


async def unused(tx: Transaction, template_ids: Sequence[str]) -> dict[str, Leased]:
    """What is leased and not given out, by offer; those without a lease are left out."""
    if not template_ids:
        return {}
    sums = await tx.rows(_Sums, _UNUSED, {"ids": template_ids})
    return {row.template_id: Leased(row.units, row.budget) for row in sums}


_NEXT_END = select(QuotaLease.c.expires_at).order_by(QuotaLease.c.expires_at).limit(1)


def due(now: datetime) -> Due:
    """Offers with leases that ran out, in the order of their ids; for the loop that gives them back."""
    over = select(QuotaLease.c.template_id).where(QuotaLease.c.expires_at <= now)
    return Due(select(Template.table).where(Template.c.id.in_(over)).order_by(Template.c.id), _NEXT_END, now)


async def end_expired(tx: Transaction, template_ids: Sequence[str], now: datetime) -> None:
    """Give back the leases of these offers that ran out."""
    await _end(tx, template_ids, QuotaLease.c.expires_at <= now)


async def end_all_of(tx: Transaction, holder: str) -> None:
    """Give back everything that `holder` has."""
    chosen = select(QuotaLease.c.template_id).where(QuotaLease.c.holder == holder).order_by(QuotaLease.c.template_id)
    await _end(tx, await tx.scalars(chosen), QuotaLease.c.holder == holder)


async def _end(tx: Transaction, template_ids: Sequence[str], which: ColumnElement[bool]) -> None:
    if not template_ids:
        return
    await repository.lock(tx, template_ids)
    await give_back(tx, await _delete(tx, one_of(QuotaLease.c.template_id, template_ids) & which))


async def _delete(tx: Transaction, which: ColumnElement[bool]) -> list[QuotaLease]:
    return await tx.rows(QuotaLease, delete(QuotaLease.table).where(which).returning(QuotaLease.table))
