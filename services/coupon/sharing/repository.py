"""The SQL of sharing."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Select, case, func, insert, select, update

from services.coupon.sharing.models import Share, ShareHelp, ShareOffer
from services.coupon.sharing.schemas import HelperView, ShareView
from shared.db import Transaction, insert_ignore, one_of
from shared.web import Caller, Page, Paging, filtered, offered, page_of, visible


class OfferedShare(NamedTuple):
    """A share with what its offer says."""

    id: str
    owner_id: str
    offer_id: str
    customer_id: str
    seq: int
    token: str
    friends: int
    helps: int
    reward_coupon_id: str | None
    reward_refused: str | None
    expires_at: datetime
    created_at: datetime
    offer_name: str
    offer_status: str
    reward_template_id: str
    friend_template_id: str | None
    new_customer_days: int | None


class Outcome(NamedTuple):
    """What became of a wish: its coupon, or the code of its refusal; neither when nothing was wished for."""

    coupon_id: str | None = None
    refused: str | None = None


class Figures(NamedTuple):
    """Of one offer: shares begun and completed, friends who helped."""

    shares: int = 0
    completed: int = 0
    helps: int = 0


class _Figures(NamedTuple):
    offer_id: str
    shares: int
    completed: int
    helps: int


_OF_OFFERS = {"offer_name": "name", "offer_status": "status"}
_SHARES = select(
    *(
        Share.c[name] if name in Share.c else ShareOffer.c[_OF_OFFERS.get(name, name)].label(name)
        for name in OfferedShare._fields
    )
).join(ShareOffer.table, ShareOffer.c.id == Share.c.offer_id)


async def page_offers(tx: Transaction, paging: Paging, status: str | None) -> Page[ShareOffer]:
    """Offers, newest first."""
    chosen = filtered(select(ShareOffer.table), {ShareOffer.c.status: status})
    chosen = offered(chosen, ShareOffer.c.owner_id, paging.caller)
    return await page_of(tx, ShareOffer, chosen, ShareOffer.c.id, paging, lambda row: row)


async def find_offer(tx: Transaction, caller: Caller, offer_id: str) -> ShareOffer | None:
    """The offer as it is; not locked."""
    chosen = select(ShareOffer.table).where(ShareOffer.c.id == offer_id)
    return await tx.row(ShareOffer, offered(chosen, ShareOffer.c.owner_id, caller))


async def find_own_offer(tx: Transaction, caller: Caller, offer_id: str) -> ShareOffer | None:
    """The same, if the caller may change it."""
    chosen = select(ShareOffer.table).where(ShareOffer.c.id == offer_id)
    return await tx.row(ShareOffer, visible(chosen, ShareOffer.c.owner_id, caller))


async def insert_offer(tx: Transaction, row: dict[str, Any]) -> None:
    """Store a new offer."""
    await tx.run(insert(ShareOffer.table), row)


async def update_offer(tx: Transaction, offer_id: str, values: dict[str, Any]) -> None:
    """Write these columns of the offer."""
    await tx.run(update(ShareOffer.table).where(ShareOffer.c.id == offer_id).values(**values))


async def figures(tx: Transaction, offer_ids: Sequence[str]) -> dict[str, Figures]:
    """How offers go; those that nobody shared yet are left out."""
    if not offer_ids:
        return {}
    complete = func.sum(case((Share.c.helps == Share.c.friends, 1), else_=0)).label("completed")
    chosen = (
        select(Share.c.offer_id, func.count().label("shares"), complete, func.sum(Share.c.helps).label("helps"))
        .where(one_of(Share.c.offer_id, offer_ids))
        .group_by(Share.c.offer_id)
    )
    rows = await tx.rows(_Figures, chosen)
    return {row.offer_id: Figures(row.shares, int(row.completed), int(row.helps)) for row in rows}


async def page(
    tx: Transaction,
    paging: Paging,
    offer_id: str | None,
    customer_id: str | None,
    to_view: Callable[[OfferedShare], ShareView],
) -> Page[ShareView]:
    """Shares, newest first."""
    chosen = filtered(_SHARES, {Share.c.offer_id: offer_id, Share.c.customer_id: customer_id})
    chosen = visible(chosen, Share.c.owner_id, paging.caller)
    return await page_of(tx, OfferedShare, chosen, Share.c.id, paging, to_view)


async def find(tx: Transaction, name: str) -> OfferedShare | None:
    """The share by its id or token; not locked."""
    return await tx.row(OfferedShare, _named(name))


async def lock(tx: Transaction, name: str) -> OfferedShare | None:
    """The share by its id or token, locked until the end of the transaction; its offer is not."""
    return await tx.row(OfferedShare, _named(name).with_for_update(of=Share.table))


async def last_share(tx: Transaction, offer_id: str, customer_id: str) -> OfferedShare | None:
    """The customer's newest share of the offer."""
    chosen = _SHARES.where(Share.c.offer_id == offer_id, Share.c.customer_id == customer_id)
    return await tx.row(OfferedShare, chosen.order_by(Share.c.seq.desc()).limit(1))


async def insert_share(tx: Transaction, row: dict[str, Any]) -> None:
    """Store a share, unless another one has its number already."""
    await insert_ignore(tx, Share.table, [row])


async def help_of(tx: Transaction, share: OfferedShare, customer_id: str) -> ShareHelp | None:
    """How this friend helped this sharer of this offer, on whichever share."""
    same = (ShareHelp.c.offer_id == share.offer_id) & (ShareHelp.c.sharer_id == share.customer_id)
    return await tx.row(ShareHelp, select(ShareHelp.table).where(same, ShareHelp.c.customer_id == customer_id))


async def page_helps(tx: Transaction, paging: Paging, share_id: str) -> Page[HelperView]:
    """Who helped, in their order."""
    chosen = select(ShareHelp.table).where(ShareHelp.c.share_id == share_id)
    return await page_of(tx, ShareHelp, chosen, ShareHelp.c.position, paging.ascending(), HelperView.model_validate)


async def insert_help(tx: Transaction, row: dict[str, Any]) -> bool:
    """Store a help. False when the friend has helped this sharer already."""
    return bool(await insert_ignore(tx, ShareHelp.table, [row]))


async def count_help(tx: Transaction, share: OfferedShare, friend: Outcome, reward: Outcome, now: datetime) -> None:
    """Count the next help of a held share, and write down what the friend and the sharer got for it."""
    position = share.helps + 1
    counted = (Share.c.id == share.id) & (Share.c.helps == share.helps)
    values = {"reward_coupon_id": reward.coupon_id, "reward_refused": reward.refused, "updated_at": now}
    await tx.run(update(Share.table).where(counted).values(helps=position, **values))
    helper = (ShareHelp.c.share_id == share.id) & (ShareHelp.c.position == position)
    await tx.run(update(ShareHelp.table).where(helper).values(coupon_id=friend.coupon_id, refused=friend.refused))


def _named(name: str) -> Select[Any]:
    return _SHARES.where((Share.c.token == name) | (Share.c.id == name))
