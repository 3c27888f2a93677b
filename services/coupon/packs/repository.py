"""The SQL of the packs."""

from typing import Any

from sqlalchemy import func, insert, select, update

from services.coupon.packs.models import CouponPack, PackClaim
from services.coupon.packs.schemas import PackView
from services.coupon.packs.views import pack_view
from shared.db import Transaction
from shared.web import Caller, Page, Paging, filtered, offered, page_of, visible


async def page(tx: Transaction, paging: Paging, status: str | None) -> Page[PackView]:
    """Packs, newest first."""
    chosen = filtered(select(CouponPack.table), {CouponPack.c.status: status})
    chosen = offered(chosen, CouponPack.c.owner_id, paging.caller)
    return await page_of(tx, CouponPack, chosen, CouponPack.c.id, paging, pack_view)


async def find(tx: Transaction, caller: Caller, pack_id: str) -> CouponPack | None:
    """The pack as it is; not locked."""
    chosen = select(CouponPack.table).where(CouponPack.c.id == pack_id)
    return await tx.row(CouponPack, offered(chosen, CouponPack.c.owner_id, caller))


async def lock(tx: Transaction, pack_id: str) -> CouponPack | None:
    """The pack, locked until the end of the transaction; templates are locked after it."""
    return await tx.row(CouponPack, select(CouponPack.table).where(CouponPack.c.id == pack_id).with_for_update())


async def given_on(tx: Transaction, event: str) -> list[str]:
    """Ids of the active packs that customers get unasked on this event, in their order."""
    chosen = select(CouponPack.c.id).where(CouponPack.c.auto_on == event, CouponPack.c.status == "active")
    return await tx.scalars(chosen.order_by(CouponPack.c.id))


async def insert_pack(tx: Transaction, row: dict[str, Any]) -> None:
    """Store a new pack."""
    await tx.run(insert(CouponPack.table), row)


async def update_pack(tx: Transaction, pack_id: str, values: dict[str, Any]) -> None:
    """Write these columns of the pack."""
    await tx.run(update(CouponPack.table).where(CouponPack.c.id == pack_id).values(**values))


async def page_claims(tx: Transaction, paging: Paging, pack_id: str, customer_id: str | None) -> Page[PackClaim]:
    """The claims of a pack, newest first."""
    chosen = select(PackClaim.table).where(PackClaim.c.pack_id == pack_id)
    chosen = filtered(chosen, {PackClaim.c.customer_id: customer_id})
    chosen = visible(chosen, PackClaim.c.owner_id, paging.caller)
    return await page_of(tx, PackClaim, chosen, PackClaim.c.id, paging, lambda row: row)


async def find_claim(tx: Transaction, caller: Caller, pack_id: str, claim_id: str) -> PackClaim | None:
    """A claim of that pack."""
    same = (PackClaim.c.id == claim_id) & (PackClaim.c.pack_id == pack_id)
    return await tx.row(PackClaim, visible(select(PackClaim.table).where(same), PackClaim.c.owner_id, caller))


async def find_number(tx: Transaction, caller: Caller, pack_id: str, customer_id: str, number: int) -> PackClaim | None:
    """The customer's claim of the pack by its number."""
    mine = (PackClaim.c.pack_id == pack_id) & (PackClaim.c.customer_id == customer_id)
    chosen = select(PackClaim.table).where(mine, PackClaim.c.number == number)
    return await tx.row(PackClaim, visible(chosen, PackClaim.c.owner_id, caller))


async def last_number(tx: Transaction, pack_id: str, customer_id: str) -> int:
    """The number of the customer's last claim of the pack; 0 before the first."""
    mine = (PackClaim.c.pack_id == pack_id) & (PackClaim.c.customer_id == customer_id)
    return int(await tx.scalar(select(func.coalesce(func.max(PackClaim.c.number), 0)).where(mine)))


async def insert_claim(tx: Transaction, row: dict[str, Any]) -> None:
    """Store a claim, and count it on its pack, whose row is held."""
    await tx.run(insert(PackClaim.table), row)
    counted = update(CouponPack.table).where(CouponPack.c.id == row["pack_id"])
    await tx.run(counted.values(issued=CouponPack.c.issued + 1))
