"""The SQL of what is counted and refused before a coupon is given."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import bindparam, case, delete, insert, literal, or_, select, update

from services.coupon.abuse.models import AbuseFailure, AbuseVersion, Denial, VelocityLog, VelocityRule
from services.coupon.abuse.schemas import DenialView, RuleView
from services.coupon.abuse.views import denial_view, rule_view
from shared.db import (
    Prepared,
    Transaction,
    UtcDateTime,
    excluded,
    insert_bulk,
    insert_ignore,
    one_of,
    update_bulk,
    upsert,
)
from shared.web import Page, Paging, filtered, page_of

Counted = tuple[str, str]
"""Under which subject guesses are counted: kind and value, `("device", <hash>)`."""
LogKey = tuple[str, str]
"""A rule's id, and the value that it counts."""

# Built once: claims and attempts run them for every batch.
_FAILURES = Prepared(
    select(AbuseFailure.table).where(
        one_of((AbuseFailure.c.subject, AbuseFailure.c.value), "keys"), AbuseFailure.c.until > bindparam("since")
    )
)
_ANY_FAILURE = Prepared(select(AbuseFailure.c.subject).where(AbuseFailure.c.until > bindparam("since")).limit(1))
_LOCK_LOGS = Prepared(
    select(VelocityLog.table)
    .where(one_of((VelocityLog.c.rule_id, VelocityLog.c.value), "keys"))
    .order_by(VelocityLog.c.rule_id, VelocityLog.c.value)
    .with_for_update()
)


class DeniedValue(NamedTuple):
    """What the deny lists say of one value; `until` None: for good."""

    subject: str
    value: str
    until: datetime | None


# Rules and lists as a whole


async def version(tx: Transaction) -> int:
    """Grows with every change of a rule or list."""
    return await tx.scalar(select(AbuseVersion.c.version)) or 0


async def count_version(tx: Transaction) -> None:
    """Rules or lists are others now."""
    await upsert(tx, AbuseVersion.table, [{"id": 1, "version": 1}], ["id"], {"version": AbuseVersion.c.version + 1})


async def rules(tx: Transaction) -> list[VelocityRule]:
    """Every velocity rule."""
    return await tx.rows(VelocityRule, select(VelocityRule.table).order_by(VelocityRule.c.id))


async def denied(tx: Transaction) -> list[DeniedValue]:
    """Everything on the deny lists."""
    return await tx.rows(DeniedValue, select(Denial.c.subject, Denial.c.value, Denial.c.until))


# Velocity rules


async def find_rule(tx: Transaction, rule_id: str) -> VelocityRule | None:
    """One rule."""
    return await tx.row(VelocityRule, select(VelocityRule.table).where(VelocityRule.c.id == rule_id))


async def page_rules(tx: Transaction, paging: Paging, subject: str | None, action: str | None) -> Page[RuleView]:
    """Newest first."""
    wanted = {VelocityRule.c.subject: subject, VelocityRule.c.action: action}
    chosen = filtered(select(VelocityRule.table), wanted)
    return await page_of(tx, VelocityRule, chosen, VelocityRule.c.id, paging, rule_view)


async def insert_rule(tx: Transaction, row: dict[str, Any]) -> None:
    """A new rule."""
    await tx.run(insert(VelocityRule.table), row)


async def update_rule(tx: Transaction, rule_id: str, values: dict[str, Any]) -> bool:
    """False when there is no such rule."""
    return await tx.run(update(VelocityRule.table).where(VelocityRule.c.id == rule_id).values(**values)) > 0


async def delete_rule(tx: Transaction, rule_id: str) -> bool:
    """The rule, with all that was counted under it. False when there is no such rule."""
    deleted = await tx.run(delete(VelocityRule.table).where(VelocityRule.c.id == rule_id)) > 0
    await tx.run(delete(VelocityLog.table).where(VelocityLog.c.rule_id == rule_id))
    return deleted


# The logs of velocity rules


async def lock_logs(tx: Transaction, keys: Sequence[LogKey]) -> list[VelocityLog]:
    """The logs that are there, locked until the end of the transaction, in the order of their keys."""
    return await tx.rows(VelocityLog, _LOCK_LOGS, {"keys": keys})


async def insert_logs(tx: Transaction, keys: Sequence[LogKey], now: datetime) -> None:
    """Empty logs, where there are none."""
    rows = [{"rule_id": rule_id, "value": value, "moments": "[]", "expires_at": now} for rule_id, value in keys]
    await insert_bulk(tx, VelocityLog.table, rows, ignore=True)


async def update_logs(tx: Transaction, rows: Sequence[dict[str, Any]]) -> None:
    """Write `moments` and `expires_at` of logs that are held, by `rule_id` and `value`."""
    values = {"moments": "given.moments", "expires_at": "given.expires_at"}
    await update_bulk(tx, VelocityLog.table, rows, match={"rule_id": "rule_id", "value": "value"}, values=values)


# Deny lists


async def find_denial(tx: Transaction, denial_id: str) -> Denial | None:
    """One entry of the deny list."""
    return await tx.row(Denial, select(Denial.table).where(Denial.c.id == denial_id))


async def page_denials(tx: Transaction, paging: Paging, subject: str | None, value: str | None) -> Page[DenialView]:
    """Newest first; `value` as it is stored."""
    chosen = filtered(select(Denial.table), {Denial.c.subject: subject, Denial.c.value: value})
    return await page_of(tx, Denial, chosen, Denial.c.id, paging, denial_view)


async def insert_denial(tx: Transaction, row: dict[str, Any], now: datetime) -> tuple[Denial, bool]:
    """The entry of that subject and value, and whether it is this new one. One whose time is over makes way."""
    same = (Denial.c.subject == row["subject"]) & (Denial.c.value == row["value"])
    await tx.run(delete(Denial.table).where(same, Denial.c.until <= now))
    added = bool(await insert_ignore(tx, Denial.table, [row]))
    [found] = await tx.rows(Denial, select(Denial.table).where(same))
    return found, added


async def delete_denial(tx: Transaction, denial_id: str) -> bool:
    """False when there is no such entry."""
    return await tx.run(delete(Denial.table).where(Denial.c.id == denial_id)) > 0


# Wrong guesses


async def failures(tx: Transaction, keys: Sequence[Counted], since: datetime) -> list[AbuseFailure]:
    """What is counted against these subjects, where it counts longer than until `since`."""
    return await tx.rows(AbuseFailure, _FAILURES, {"keys": keys, "since": since}) if keys else []


async def any_failures(tx: Transaction, since: datetime) -> bool:
    """Whether anything is counted against anybody that counts longer than until `since`."""
    return await tx.scalar(_ANY_FAILURE, {"since": since}) is not None


async def count_failures(
    tx: Transaction, wrong: Mapping[Counted, int], budgets: Mapping[str, int], now: datetime, end: datetime
) -> None:
    """So many failures more for each subject, in one order everywhere; windows that begin now last until `end`.

    A window begins with the first failure after another ended, and anew with the one that uses up the budget.
    """
    more = excluded(tx, AbuseFailure.table).failures
    ended = AbuseFailure.c.until <= now
    total = case((ended, more), else_=AbuseFailure.c.failures + more)
    used_up = total >= case(dict(budgets), value=AbuseFailure.c.subject)
    until = case((or_(ended, used_up), literal(end, UtcDateTime)), else_=AbuseFailure.c.until)
    rows = [
        {"subject": kind, "value": value, "failures": number, "until": end}
        for (kind, value), number in sorted(wrong.items())
    ]
    await upsert(tx, AbuseFailure.table, rows, ["subject", "value"], {"failures": total, "until": until})
