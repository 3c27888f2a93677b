"""The SQL of sharing."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, Select, case, func, select

from services.coupon.sharing.models import Share, ShareHelp, ShareOffer
from services.coupon.statements import padded
from shared.db import Transaction


def shares() -> Select[Any]:
    """Shares with what their offers say."""
    return select(
        Share.table,
        ShareOffer.c.name.label("offer_name"),
        ShareOffer.c.status.label("offer_status"),
        *(ShareOffer.c.reward_template_id, ShareOffer.c.friend_template_id, ShareOffer.c.new_customer_days),
    ).join(ShareOffer.table, ShareOffer.c.id == Share.c.offer_id)


async def offer(tx: Transaction, offer_id: str) -> Row[Any] | None:
    return (await tx.execute(select(ShareOffer.table).where(ShareOffer.c.id == offer_id))).one_or_none()


async def share(tx: Transaction, name: str, *, hold: bool) -> Row[Any] | None:
    """By id or token. `hold` locks the share's row, not its offer's."""
    chosen = shares().where((Share.c.token == name) | (Share.c.id == name))
    return (await tx.execute(chosen.with_for_update(of=Share.table) if hold else chosen)).one_or_none()


async def last_share(tx: Transaction, offer_id: str, customer_id: str) -> Row[Any] | None:
    chosen = shares().where(Share.c.offer_id == offer_id, Share.c.customer_id == customer_id)
    return (await tx.execute(chosen.order_by(Share.c.seq.desc()).limit(1))).one_or_none()


async def help_of(tx: Transaction, held: Row[Any], customer_id: str) -> Row[Any] | None:
    """How this friend helped this sharer of this offer, on whichever share."""
    same = (ShareHelp.c.offer_id == held.offer_id) & (ShareHelp.c.sharer_id == held.customer_id)
    return (await tx.execute(select(ShareHelp.table).where(same, ShareHelp.c.customer_id == customer_id))).one_or_none()


async def figures(tx: Transaction, offer_ids: Sequence[str]) -> dict[str, tuple[int, int, int]]:
    """Shares, completed ones and helps, by offer."""
    if not offer_ids:
        return {}
    complete = func.sum(case((Share.c.helps == Share.c.friends, 1), else_=0)).label("completed")
    chosen = (
        select(Share.c.offer_id, func.count().label("shares"), complete, func.sum(Share.c.helps).label("helps"))
        .where(Share.c.offer_id.in_(padded(offer_ids)))
        .group_by(Share.c.offer_id)
    )
    return {row.offer_id: (row.shares, int(row.completed), int(row.helps)) for row in await tx.execute(chosen)}
