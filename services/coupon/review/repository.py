"""The SQL of cases and their coupons."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, select, update

from services.coupon.review.models import AbuseCase, AbuseCaseCoupon
from services.coupon.review.schemas import CaseView
from shared.db import Transaction, insert_ignore
from shared.web import Page, Paging, filtered, page_of

_UPDATE_OUTCOME = (
    update(AbuseCaseCoupon.table)
    .where(AbuseCaseCoupon.c.case_id == bindparam("of_case"), AbuseCaseCoupon.c.coupon_id == bindparam("of_coupon"))
    .values(outcome=bindparam("now"))
)


async def was_cleared(tx: Transaction, subject: str, value: str, since: datetime) -> bool:
    """Whether a person cleared the subject after that instant."""
    mine = (AbuseCase.c.subject == subject) & (AbuseCase.c.value == value)
    cleared = mine & (AbuseCase.c.status == "cleared") & (AbuseCase.c.decided_at > since)
    return await tx.scalar(select(AbuseCase.c.id).where(cleared).limit(1)) is not None


async def lock_open(tx: Transaction, fresh: dict[str, Any]) -> AbuseCase:
    """The open case of the subject and value of `fresh`, locked; `fresh` is stored when there is none."""
    mine = (AbuseCase.c.subject == fresh["subject"]) & (AbuseCase.c.value == fresh["value"])
    chosen = select(AbuseCase.table).where(mine, AbuseCase.c.status == "open").with_for_update()
    row = await tx.row(AbuseCase, chosen)
    while row is None:  # a case that was decided between the two is closed: another is opened
        await insert_ignore(tx, AbuseCase.table, [fresh])
        row = await tx.row(AbuseCase, chosen)
    return row


async def insert_coupons(tx: Transaction, rows: Sequence[dict[str, Any]]) -> int:
    """Put coupons into their case; answers how many were new there."""
    return len(await insert_ignore(tx, AbuseCaseCoupon.table, rows, [AbuseCaseCoupon.c.coupon_id]))


async def grow(
    tx: Transaction, case_id: str, score: int, reasons: Sequence[Mapping[str, Any]], added: int, now: datetime
) -> None:
    """What the case, whose row is held, is after `added` coupons more."""
    values = {"score": score, "reasons": reasons, "coupons": AbuseCase.c.coupons + added, "updated_at": now}
    await tx.run(update(AbuseCase.table).where(AbuseCase.c.id == case_id).values(**values))


async def page(
    tx: Transaction, paging: Paging, status: str | None, subject: str | None, customer_id: str | None
) -> Page[CaseView]:
    """Newest first; `customer_id`: with a coupon of that customer."""
    chosen = filtered(select(AbuseCase.table), {AbuseCase.c.status: status, AbuseCase.c.subject: subject})
    if customer_id is not None:
        theirs = select(AbuseCaseCoupon.c.case_id).where(AbuseCaseCoupon.c.customer_id == customer_id)
        chosen = chosen.where(AbuseCase.c.id.in_(theirs))
    return await page_of(tx, AbuseCase, chosen, AbuseCase.c.id, paging, CaseView.model_validate)


async def find(tx: Transaction, case_id: str) -> AbuseCase | None:
    """The case as it is; not locked."""
    return await tx.row(AbuseCase, select(AbuseCase.table).where(AbuseCase.c.id == case_id))


async def lock(tx: Transaction, case_id: str) -> AbuseCase | None:
    """The case, locked until the end of the transaction."""
    return await tx.row(AbuseCase, select(AbuseCase.table).where(AbuseCase.c.id == case_id).with_for_update())


async def update_case(tx: Transaction, case_id: str, values: dict[str, Any]) -> None:
    """Write changed columns of a case whose row is held."""
    await tx.run(update(AbuseCase.table).where(AbuseCase.c.id == case_id).values(**values))


async def coupons(tx: Transaction, case_id: str, limit: int) -> list[AbuseCaseCoupon]:
    """The first coupons of the case, in the order of their ids."""
    chosen = select(AbuseCaseCoupon.table).where(AbuseCaseCoupon.c.case_id == case_id)
    return await tx.rows(AbuseCaseCoupon, chosen.order_by(AbuseCaseCoupon.c.coupon_id).limit(limit))


async def coupon_ids(tx: Transaction, case_id: str) -> list[str]:
    """All coupons of the case, in order."""
    chosen = select(AbuseCaseCoupon.c.coupon_id).where(AbuseCaseCoupon.c.case_id == case_id)
    return await tx.scalars(chosen.order_by(AbuseCaseCoupon.c.coupon_id))


async def update_outcomes(tx: Transaction, case_id: str, outcomes: Mapping[str, str]) -> None:
    """What the decision did to each of these coupons."""
    rows = [{"of_case": case_id, "of_coupon": key, "now": outcome} for key, outcome in outcomes.items()]
    if rows:
        await tx.run(_UPDATE_OUTCOME, rows)
