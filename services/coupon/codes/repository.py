"""The SQL of codes: batches of unique ones, public ones, and the uses of both."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Select, bindparam, func, insert, select, update

from services.coupon.code_format import corrected
from services.coupon.codes.looked_up import FoundCode, FoundPublic, FoundUnique, LastUse, UniqueCode
from services.coupon.codes.models import Code, CodeBatch, PublicCode, PublicCodeUse
from services.coupon.codes.schemas import CodeView, PublicCodeView
from services.coupon.codes.views import public_view
from services.coupon.wallet.models import Coupon
from services.coupon.wallet.repository import status_at
from shared.db import Transaction, claim_due, insert_bulk, insert_ignore, one_of
from shared.web import Caller, Page, Paging, filtered, page_of, visible

_OF_BATCH = {"batch_status": "status"}
# Built once: redeeming runs them for every batch of asks.
_UNIQUE = (
    select(
        *(
            Code.c[name] if name in Code.c else CodeBatch.c[_OF_BATCH.get(name, name)].label(name)
            for name in UniqueCode._fields
        )
    )
    .join(CodeBatch.table, CodeBatch.c.id == Code.c.batch_id)
    .where(one_of(Code.c.code, "codes"))
    .order_by(Code.c.batch_id, Code.c.number)
)
_LOCK_UNIQUE = _UNIQUE.with_for_update(of=Code.table)
_PUBLIC = select(PublicCode.table).where(one_of(PublicCode.c.key, "keys")).order_by(PublicCode.c.id)
_LOCK_PUBLIC = _PUBLIC.with_for_update()
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
_RUNNING = CodeBatch.c.status == "running"


class MadeCode(NamedTuple):
    """A code as a file of its batch shows it."""

    number: int
    code: str
    coupon_id: str | None
    redeemed_at: datetime | None


class _Use(NamedTuple):
    public_code_id: str
    customer_id: str
    number: int
    coupon_id: str
    live: bool


class _Redeemed(NamedTuple):
    batch_id: str
    number: int


async def find(
    tx: Transaction, keys: Collection[str], customers: Collection[str], now: datetime
) -> dict[str, FoundCode]:
    """The codes that exist, by the normalised form in which they were asked for. `customers` are those who ask.

    Always the same statements, whatever the keys look like: how long an answer takes tells nothing about a code.
    """
    return await _found(tx, (_PUBLIC, _UNIQUE), keys, customers, now)


async def lock(
    tx: Transaction, keys: Collection[str], customers: Collection[str], now: datetime
) -> dict[str, FoundCode]:
    """The same, locked until the end of the transaction: public codes by id before unique ones."""
    return await _found(tx, (_LOCK_PUBLIC, _LOCK_UNIQUE), keys, customers, now)


async def _found(
    tx: Transaction,
    statements: tuple[Select[Any], Select[Any]],
    keys: Collection[str],
    customers: Collection[str],
    now: datetime,
) -> dict[str, FoundCode]:
    tried = {corrected(key): key for key in keys}
    public = await tx.rows(PublicCode, statements[0], {"keys": sorted(keys)})
    unique = await tx.rows(UniqueCode, statements[1], {"codes": sorted(tried)})
    had = await _had(tx, [row.id for row in public], customers, now)
    found: dict[str, FoundCode] = {tried[row.code]: FoundUnique(row) for row in unique}
    found.update({row.key: FoundPublic(row, had.get(row.id, {})) for row in public})
    return found


async def _had(
    tx: Transaction, public_ids: Sequence[str], customers: Collection[str], now: datetime
) -> dict[str, dict[str, LastUse]]:
    if not public_ids:
        return {}
    uses = PublicCodeUse.c
    live = status_at(now).in_(("issued", "locked")).label("live")
    chosen = (
        select(uses.public_code_id, uses.customer_id, uses.number, uses.coupon_id, live)
        .join(Coupon.table, Coupon.c.id == uses.coupon_id)
        .where(one_of(uses.public_code_id, public_ids), one_of(uses.customer_id, sorted(customers)))
        .order_by(uses.number)
    )
    had: dict[str, dict[str, LastUse]] = {}
    for row in await tx.rows(_Use, chosen):
        had.setdefault(row.public_code_id, {})[row.customer_id] = LastUse(row.number, row.coupon_id, bool(row.live))
    return had


async def insert_uses(tx: Transaction, uses: Sequence[tuple[FoundCode, str, str]], now: datetime) -> None:
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
        await tx.run(_MARK, marks)
    if rows:
        await tx.run(insert(PublicCodeUse.table), rows)
        counted = [{"of_code": one, "more": more, "now": now} for one, more in sorted(counts.items())]
        await tx.run(_COUNT, counted)


async def page_batches(tx: Transaction, paging: Paging, status: str | None, template_id: str | None) -> Page[CodeBatch]:
    """Batches, newest first."""
    chosen = filtered(select(CodeBatch.table), {CodeBatch.c.status: status, CodeBatch.c.template_id: template_id})
    chosen = visible(chosen, CodeBatch.c.owner_id, paging.caller)
    return await page_of(tx, CodeBatch, chosen, CodeBatch.c.id, paging, lambda row: row)


async def find_batch(tx: Transaction, caller: Caller, batch_id: str) -> CodeBatch | None:
    """The batch as it is; not locked."""
    chosen = select(CodeBatch.table).where(CodeBatch.c.id == batch_id)
    return await tx.row(CodeBatch, visible(chosen, CodeBatch.c.owner_id, caller))


async def insert_batch(tx: Transaction, row: dict[str, Any]) -> None:
    """Store a new batch."""
    await tx.run(insert(CodeBatch.table), row)


async def update_batch(tx: Transaction, batch_id: str, values: dict[str, Any]) -> None:
    """Write these columns of the batch."""
    await tx.run(update(CodeBatch.table).where(CodeBatch.c.id == batch_id).values(**values))


async def void_batch(tx: Transaction, batch_id: str, now: datetime) -> None:
    """End the batch, unless that was done before."""
    live = (CodeBatch.c.id == batch_id) & (CodeBatch.c.status != "voided")
    await tx.run(update(CodeBatch.table).where(live).values(status="voided", updated_at=now))


async def is_waiting(tx: Transaction) -> bool:
    """Whether codes of any batch are still to be made."""
    return await tx.scalar(select(CodeBatch.c.id).where(_RUNNING).limit(1)) is not None


async def claim(tx: Transaction, now: datetime) -> CodeBatch | None:
    """The oldest batch whose codes are still to be made, locked until the end of the transaction."""
    values = {"updated_at": now}
    found = await claim_due(tx, CodeBatch, where=_RUNNING, order_by=CodeBatch.c.id, limit=1, values=values)
    return found[0] if found else None


async def insert_codes(tx: Transaction, rows: Sequence[dict[str, Any]]) -> set[int]:
    """Store new codes of one batch, but for those that exist already. Answers the numbers that got theirs."""
    return {number for _, number in await insert_bulk(tx, Code.table, rows, ignore=True)}


async def page_codes(tx: Transaction, paging: Paging, batch_id: str, redeemed: bool | None) -> Page[CodeView]:
    """The codes of a batch, by number; `redeemed`: only those that are (not)."""
    chosen = select(Code.table).where(Code.c.batch_id == batch_id)
    if redeemed is not None:
        chosen = chosen.where(Code.c.coupon_id.is_not(None) if redeemed else Code.c.coupon_id.is_(None))
    return await page_of(tx, Code, chosen, Code.c.number, paging.ascending(), CodeView.model_validate)


async def codes_after(tx: Transaction, batch_id: str, last: int, limit: int) -> list[MadeCode]:
    """The next codes of a batch behind that number, by number."""
    chosen = select(Code.c.number, Code.c.code, Code.c.coupon_id, Code.c.redeemed_at)
    chosen = chosen.where(Code.c.batch_id == batch_id, Code.c.number > last)
    return await tx.rows(MadeCode, chosen.order_by(Code.c.number).limit(limit))


async def count_redeemed(tx: Transaction, batch_ids: Sequence[str]) -> dict[str, int]:
    """How many codes of each batch turned into coupons; batches without any are left out."""
    if not batch_ids:
        return {}
    used = one_of(Code.c.batch_id, batch_ids) & Code.c.coupon_id.is_not(None)
    chosen = select(Code.c.batch_id, func.count().label("number")).where(used).group_by(Code.c.batch_id)
    return {row.batch_id: row.number for row in await tx.rows(_Redeemed, chosen)}


async def page_public(
    tx: Transaction, paging: Paging, status: str | None, template_id: str | None
) -> Page[PublicCodeView]:
    """Public codes, newest first."""
    chosen = filtered(select(PublicCode.table), {PublicCode.c.status: status, PublicCode.c.template_id: template_id})
    chosen = visible(chosen, PublicCode.c.owner_id, paging.caller)
    return await page_of(tx, PublicCode, chosen, PublicCode.c.id, paging, public_view)


async def find_public(tx: Transaction, caller: Caller, public_id: str) -> PublicCode | None:
    """The public code as it is; not locked."""
    return await tx.row(PublicCode, _public_of(caller, public_id))


async def lock_public(tx: Transaction, caller: Caller, public_id: str) -> PublicCode | None:
    """The public code, locked until the end of the transaction."""
    return await tx.row(PublicCode, _public_of(caller, public_id).with_for_update())


def _public_of(caller: Caller, public_id: str) -> Select[Any]:
    chosen = select(PublicCode.table).where(PublicCode.c.id == public_id)
    return visible(chosen, PublicCode.c.owner_id, caller)


async def insert_public(tx: Transaction, row: dict[str, Any]) -> bool:
    """Store a new public code. False when another one reads the same."""
    return bool(await insert_ignore(tx, PublicCode.table, [row]))


async def update_public(tx: Transaction, public_id: str, values: dict[str, Any]) -> None:
    """Write these columns of the public code."""
    await tx.run(update(PublicCode.table).where(PublicCode.c.id == public_id).values(**values))
