"""The SQL of store redemption: signing keys, tokens on show, redemptions and conflicts."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, NamedTuple, TypeVar

from sqlalchemy import Integer, Select, false, insert, literal, or_, select, update

from services.coupon.redemption.models import Redemption, RedemptionConflict, RedemptionKey, RedemptionToken
from services.coupon.wallet.models import Coupon, CouponEntry
from shared.db import Transaction, insert_ignore, one_of
from shared.web import Caller, Page, Paging, filtered, page_of, visible

T = TypeVar("T")


class Whose(NamedTuple):
    """Whose rows a list is asked for; None is everybody's."""

    shop_id: str | None
    customer_id: str | None


async def active_key(tx: Transaction) -> RedemptionKey | None:
    """The key that signs now."""
    return await tx.row(RedemptionKey, select(RedemptionKey.table).where(RedemptionKey.c.retired_at.is_(None)))


async def published_keys(tx: Transaction, since: datetime) -> list[RedemptionKey]:
    """The active key, and those that retired after that instant, newest first."""
    shown = or_(RedemptionKey.c.retired_at.is_(None), RedemptionKey.c.retired_at > since)
    return await tx.rows(RedemptionKey, select(RedemptionKey.table).where(shown).order_by(RedemptionKey.c.id.desc()))


async def find_public_key(tx: Transaction, key_id: str) -> str | None:
    """The public half of a key, also of a retired one."""
    found: str | None = await tx.scalar(select(RedemptionKey.c.public).where(RedemptionKey.c.id == key_id))
    return found


async def insert_key(tx: Transaction, row: dict[str, Any]) -> None:
    """Store a new active key, unless there is one."""
    await insert_ignore(tx, RedemptionKey.table, [row])


async def retire_key(tx: Transaction, key_id: str, now: datetime) -> None:
    """The key signs no more, and its private half is forgotten."""
    active = (RedemptionKey.c.id == key_id, RedemptionKey.c.retired_at.is_(None))
    await tx.run(update(RedemptionKey.table).where(*active).values(retired_at=now, sealed=None))


async def find_token(tx: Transaction, token_id: str) -> RedemptionToken | None:
    """One token on show."""
    return await tx.row(RedemptionToken, select(RedemptionToken.table).where(RedemptionToken.c.id == token_id))


async def find_seen_token(tx: Transaction, caller: Caller, token_id: str) -> RedemptionToken | None:
    """The same, if the caller may see it."""
    return await tx.row(RedemptionToken, _on_show(caller).where(RedemptionToken.c.id == token_id))


def _on_show(caller: Caller) -> Select[Any]:
    """Tokens that the caller may see. A till sees none: it could use coupons of customers who are not there."""
    chosen = visible(select(RedemptionToken.table), RedemptionToken.c.owner_id, caller)
    return chosen if caller.shop_id is None else chosen.where(false())


async def find_token_of_code(tx: Transaction, short_code: str) -> RedemptionToken | None:
    """The token on show under that short code."""
    return await tx.row(
        RedemptionToken, select(RedemptionToken.table).where(RedemptionToken.c.short_code == short_code)
    )


async def insert_token(tx: Transaction, row: dict[str, Any]) -> bool:
    """Store a token. False when its short code is another's."""
    return bool(await insert_ignore(tx, RedemptionToken.table, [row]))


async def page_tokens(
    tx: Transaction,
    paging: Paging,
    customer_id: str | None,
    coupon_id: str | None,
    to_view: Callable[[RedemptionToken], T],
) -> Page[T]:
    """Tokens on show, newest first."""
    wanted = {RedemptionToken.c.customer_id: customer_id, RedemptionToken.c.coupon_id: coupon_id}
    chosen = filtered(_on_show(paging.caller), wanted)
    return await page_of(tx, RedemptionToken, chosen, RedemptionToken.c.id, paging, to_view)


async def page(
    tx: Transaction,
    paging: Paging,
    wanted: Whose,
    coupon_id: str | None,
    to_view: Callable[[Redemption], T],
) -> Page[T]:
    """Redemptions in sight, newest first: those `wanted`, of that coupon."""
    chosen = _of(_in_sight(select(Redemption.table), Redemption, paging.caller), Redemption, wanted)
    chosen = filtered(chosen, {Redemption.c.coupon_id: coupon_id})
    return await page_of(tx, Redemption, chosen, Redemption.c.id, paging, to_view)


async def find(tx: Transaction, redemption_id: str) -> Redemption | None:
    """One redemption."""
    return await tx.row(Redemption, select(Redemption.table).where(Redemption.c.id == redemption_id))


async def find_seen(tx: Transaction, caller: Caller, redemption_id: str) -> Redemption | None:
    """The same, if it is in the caller's sight."""
    return await tx.row(Redemption, _seen(caller, redemption_id))


async def lock_seen(tx: Transaction, caller: Caller, redemption_id: str) -> Redemption | None:
    """The same, locked until the end of the transaction. Its coupon is locked after it, never before."""
    return await tx.row(Redemption, _seen(caller, redemption_id).with_for_update())


def _seen(caller: Caller, redemption_id: str) -> Select[Any]:
    return _in_sight(select(Redemption.table).where(Redemption.c.id == redemption_id), Redemption, caller)


async def find_standing(tx: Transaction, coupon_id: str) -> Redemption | None:
    """The redemption of the coupon that stands."""
    standing = (Redemption.c.coupon_id == coupon_id, Redemption.c.status == "redeemed")
    return await tx.row(Redemption, select(Redemption.table).where(*standing))


async def find_of_receipt(tx: Transaction, caller: Caller, order_ref: str, coupon_id: str) -> Redemption | None:
    """The newest redemption of the coupon on that receipt of the caller's shop, also one that was reversed."""
    there = Redemption.c
    of_receipt = (there.order_ref == order_ref, there.coupon_id == coupon_id)
    chosen = _in_sight(select(Redemption.table).where(*of_receipt), Redemption, caller)
    return await tx.row(Redemption, chosen.order_by(there.id.desc()).limit(1))


async def insert_redemption(tx: Transaction, row: dict[str, Any]) -> None:
    """Store a redemption. The partial unique key refuses a second one of the coupon."""
    await tx.run(insert(Redemption.table), row)


async def update_redemption(tx: Transaction, redemption_id: str, values: dict[str, Any]) -> None:
    """Change a redemption, whose row is held."""
    await tx.run(update(Redemption.table).where(Redemption.c.id == redemption_id).values(**values))


async def page_conflicts(
    tx: Transaction,
    paging: Paging,
    wanted: Whose,
    coupon_id: str | None,
    to_view: Callable[[RedemptionConflict], T],
) -> Page[T]:
    """Conflicts in sight, newest first: those `wanted`, of that coupon."""
    chosen = _in_sight(select(RedemptionConflict.table), RedemptionConflict, paging.caller)
    chosen = filtered(_of(chosen, RedemptionConflict, wanted), {RedemptionConflict.c.coupon_id: coupon_id})
    return await page_of(tx, RedemptionConflict, chosen, RedemptionConflict.c.id, paging, to_view)


async def find_conflict(tx: Transaction, caller: Caller, conflict_id: str) -> RedemptionConflict | None:
    """One conflict in sight."""
    chosen = select(RedemptionConflict.table).where(RedemptionConflict.c.id == conflict_id)
    return await tx.row(RedemptionConflict, _in_sight(chosen, RedemptionConflict, caller))


async def find_conflict_of_receipt(
    tx: Transaction, caller: Caller, order_ref: str, coupon_id: str
) -> RedemptionConflict | None:
    """The conflict of that receipt of the caller's shop about the coupon."""
    there = RedemptionConflict.c
    of_receipt = (there.order_ref == order_ref, there.coupon_id == coupon_id)
    chosen = select(RedemptionConflict.table).where(*of_receipt)
    return await tx.row(RedemptionConflict, _in_sight(chosen, RedemptionConflict, caller))


async def insert_conflict(tx: Transaction, row: dict[str, Any]) -> None:
    """Store a conflict. The coupon's row is held: nobody else writes this one."""
    await insert_ignore(tx, RedemptionConflict.table, [row])


async def holder(tx: Transaction, coupon: Coupon) -> str | None:
    """The checkout or redemption of the coupon's last change."""
    last = (CouponEntry.c.coupon_id == coupon.id, CouponEntry.c.step == coupon.step)
    found: str | None = await tx.scalar(select(CouponEntry.c.checkout_id).where(*last))
    return found


def orders_of(
    customer_ids: Sequence[str], _now: datetime, but: str
) -> Select[tuple[str, str, datetime, int, int | None]]:
    """The receipts on which these customers used coupons; for the audience. A receipt counts while it stands."""
    there, no = Redemption.c, literal(0, Integer)
    return select(
        there.customer_id,
        there.order_ref.label("order_id"),
        there.created_at.label("at"),
        no.label("open"),
        no.label("back"),
    ).where(one_of(there.customer_id, customer_ids), there.order_ref != but, there.status == "redeemed")


def _in_sight(chosen: Select[Any], model: type[Redemption | RedemptionConflict], caller: Caller) -> Select[Any]:
    """What the caller may see: a staff key its shop's, an end-user's token their own, a partner what is theirs."""
    mine = _of(chosen, model, Whose(caller.shop_id, caller.customer_id))
    return visible(mine, model.c.owner_id, caller)


def _of(chosen: Select[Any], model: type[Redemption | RedemptionConflict], wanted: Whose) -> Select[Any]:
    return filtered(chosen, {model.c.shop_id: wanted.shop_id, model.c.customer_id: wanted.customer_id})
