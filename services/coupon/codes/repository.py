"""The SQL of finding and using codes."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, bindparam, func, insert, select, update

from services.coupon.codes.found import FoundCode, FoundPublic, FoundUnique, Had
from services.coupon.codes.models import Code, CodeBatch, PublicCode, PublicCodeUse
from services.coupon.lettering import corrected
from services.coupon.statements import padded
from services.coupon.wallet.models import Coupon
from services.coupon.wallet.repository import status_at
from shared.db import Transaction

# Built once: redeeming runs them for every batch.
_UNIQUE = (
    select(Code.table, CodeBatch.c.template_id, CodeBatch.c.status.label("batch_status"), CodeBatch.c.valid_until)
    .join(CodeBatch.table, CodeBatch.c.id == Code.c.batch_id)
    .where(Code.c.code.in_(bindparam("codes", expanding=True)))
    .order_by(Code.c.batch_id, Code.c.number)
)
_UNIQUE_HELD = _UNIQUE.with_for_update(of=Code.table)
_PUBLIC = (
    select(PublicCode.table).where(PublicCode.c.key.in_(bindparam("keys", expanding=True))).order_by(PublicCode.c.id)
)
_PUBLIC_HELD = _PUBLIC.with_for_update()
_MARK = (
    update(Code.table)
    .where(Code.c.batch_id == bindparam("of_batch"), Code.c.number == bindparam("at"), Code.c.coupon_id.is_(None))
    .values(customer_id=bindparam("by"), coupon_id=bindparam("coupon"), redeemed_at=bindparam("now"))
)
_COUNT = (
    update(PublicCode.table)
    .where(PublicCode.c.id == bindparam("of_code"))
    .values(used=PublicCode.c.used + bindparam("more"), updated_at=bindparam("now"))
)


async def find(
    tx: Transaction, keys: Collection[str], customers: Collection[str], now: datetime, *, hold: bool
) -> dict[str, FoundCode]:
    """The codes that exist, by the normalised form in which they were asked for. `hold` locks their rows, public ones first.

    Always the same statements, whatever the keys look like: how long an answer takes tells nothing about a code.
    """
    tried = {corrected(key): key for key in keys}
    public = (await tx.execute(_PUBLIC_HELD if hold else _PUBLIC, {"keys": padded(sorted(keys))})).all()
    unique = (await tx.execute(_UNIQUE_HELD if hold else _UNIQUE, {"codes": padded(sorted(tried))})).all()
    had = await _had(tx, [row.id for row in public], customers, now)
    found: dict[str, FoundCode] = {tried[row.code]: FoundUnique(row) for row in unique}
    found.update({row.key: FoundPublic(row, had.get(row.id, {})) for row in public})
    return found


async def _had(
    tx: Transaction, public_ids: Sequence[str], customers: Collection[str], now: datetime
) -> dict[str, dict[str, Had]]:
    if not public_ids:
        return {}
    chosen = (
        select(PublicCodeUse.table, status_at(now).in_(("issued", "locked")).label("live"))
        .join(Coupon.table, Coupon.c.id == PublicCodeUse.c.coupon_id)
        .where(
            PublicCodeUse.c.public_code_id.in_(padded(public_ids)),
            PublicCodeUse.c.customer_id.in_(padded(sorted(customers))),
        )
        .order_by(PublicCodeUse.c.number)
    )
    had: dict[str, dict[str, Had]] = {}
    for row in await tx.execute(chosen):
        had.setdefault(row.public_code_id, {})[row.customer_id] = Had(row.number, row.coupon_id, bool(row.live))
    return had


async def use(tx: Transaction, uses: Sequence[tuple[FoundCode, str, str]], now: datetime) -> None:
    """Write down who got which coupon by which code: (code, customer_id, coupon_id). The codes' rows are held."""
    marks, rows, counts = [], [], dict[str, int]()
    for code, customer_id, coupon_id in uses:
        if isinstance(code, FoundPublic):
            number = code.number(customer_id)
            rows.append(
                {
                    "public_code_id": code.row.id,
                    "customer_id": customer_id,
                    "number": number,
                    "coupon_id": coupon_id,
                    "redeemed_at": now,
                }
            )
            counts[code.row.id] = counts.get(code.row.id, 0) + 1
        else:
            row = code.row
            marks.append(
                {"of_batch": row.batch_id, "at": row.number, "by": customer_id, "coupon": coupon_id, "now": now}
            )
    if marks:
        await tx.execute(_MARK, marks)
    if rows:
        await tx.execute(insert(PublicCodeUse.table), rows)
        counted = [{"of_code": one, "more": more, "now": now} for one, more in sorted(counts.items())]
        await tx.execute(_COUNT, counted)


async def redeemed(tx: Transaction, batch_ids: Sequence[str]) -> dict[str, int]:
    """How many codes of each batch turned into coupons."""
    if not batch_ids:
        return {}
    used = Code.c.batch_id.in_(padded(batch_ids)) & Code.c.coupon_id.is_not(None)
    chosen = select(Code.c.batch_id, func.count().label("number")).where(used).group_by(Code.c.batch_id)
    return {row.batch_id: row.number for row in await tx.execute(chosen)}


async def batch(tx: Transaction, batch_id: str) -> Row[Any] | None:
    return (await tx.execute(select(CodeBatch.table).where(CodeBatch.c.id == batch_id))).one_or_none()
