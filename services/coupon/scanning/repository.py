"""The SQL of scanning."""

from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Select, false, func, insert, select, update

from services.coupon.scanning.models import ClaimCode, ClaimScan
from services.coupon.scanning.schemas import ClaimCodeView, ScanFigure
from shared.db import Transaction, insert_ignore
from shared.web import Caller, Page, Paging, filtered, page_of, visible

ScanKey = tuple[str, str, str]
"""Claim code, customer and slot: each gives one coupon."""


class _Figure(NamedTuple):
    shop_id: str
    day: str
    coupons: int


async def page(
    tx: Transaction, paging: Paging, shop_id: str | None, template_id: str | None, status: str | None
) -> Page[ClaimCodeView]:
    """Claim codes, newest first; of that shop."""
    chosen = _in_sight(select(ClaimCode.table), paging.caller, shop_id)
    chosen = filtered(chosen, {ClaimCode.c.template_id: template_id, ClaimCode.c.status: status})
    return await page_of(tx, ClaimCode, chosen, ClaimCode.c.id, paging, ClaimCodeView.model_validate)


async def find(tx: Transaction, code_id: str) -> ClaimCode | None:
    """The claim code, with the key that signs its tokens."""
    return await tx.row(ClaimCode, select(ClaimCode.table).where(ClaimCode.c.id == code_id))


async def find_seen(tx: Transaction, caller: Caller, code_id: str) -> ClaimCode | None:
    """The same, if it is in the caller's sight."""
    return await tx.row(ClaimCode, _in_sight(select(ClaimCode.table).where(ClaimCode.c.id == code_id), caller))


async def insert_code(tx: Transaction, row: dict[str, Any]) -> None:
    """Store a new claim code."""
    await tx.run(insert(ClaimCode.table), row)


async def update_code(tx: Transaction, code_id: str, values: dict[str, Any]) -> None:
    """Write these columns of the claim code."""
    await tx.run(update(ClaimCode.table).where(ClaimCode.c.id == code_id).values(**values))


async def insert_scan(tx: Transaction, row: dict[str, Any]) -> bool:
    """Store a scan that gives a coupon. False when the customer has that of this slot already."""
    return bool(await insert_ignore(tx, ClaimScan.table, [row]))


async def set_coupon(tx: Transaction, key: ScanKey, coupon_id: str) -> None:
    """Write down which coupon a scan gave."""
    await tx.run(update(ClaimScan.table).where(_same(key)).values(coupon_id=coupon_id))


async def coupon_of(tx: Transaction, key: ScanKey) -> str:
    """The coupon that a scan gave."""
    return str(await tx.scalar(select(ClaimScan.c.coupon_id).where(_same(key))))


async def figures(tx: Transaction, caller: Caller, shop_id: str | None, first_day: str) -> list[ScanFigure]:
    """Coupons by shop and day, newest day first; of that shop."""
    columns = ClaimScan.c
    counted = select(columns.shop_id, columns.day, func.count().label("coupons"))
    counted = counted.join(ClaimCode.table, ClaimCode.c.id == columns.claim_code_id).where(columns.day >= first_day)
    chosen = _in_sight(counted, caller, shop_id).group_by(columns.day, columns.shop_id)
    chosen = chosen.order_by(columns.day.desc(), columns.shop_id)
    return [ScanFigure.model_validate(row) for row in await tx.rows(_Figure, chosen)]


def _in_sight(chosen: Select[Any], caller: Caller, shop_id: str | None = None) -> Select[Any]:
    """What the caller may see: a staff key its shop's, a partner what is theirs, an end-user nothing. Of that shop only."""
    if caller.customer_id is not None:
        return chosen.where(false())
    shops = [shop for shop in (caller.shop_id, shop_id) if shop is not None]
    chosen = chosen.where(*(ClaimCode.c.shop_id == shop for shop in shops))
    return visible(chosen, ClaimCode.c.owner_id, caller)


def _same(key: ScanKey) -> ColumnElement[bool]:
    code_id, customer_id, slot = key
    mine = (ClaimScan.c.claim_code_id == code_id) & (ClaimScan.c.customer_id == customer_id)
    return mine & (ClaimScan.c.slot == slot)
