"""The identities of shares: helps are counted, rewards given once."""

from typing import Any

from sqlalchemy import Select, and_, func, not_, or_, select

from services.coupon.sharing.models import Share, ShareHelp
from services.coupon.wallet.models import Coupon
from shared.audit import Check

S, H, C = Share.c, ShareHelp.c, Coupon.c


def _share_helps() -> Select[Any]:
    """A share counts its helps, numbered from 1 without gaps."""
    rows = select(H.share_id, func.count().label("n"), func.max(H.position).label("top")).group_by(H.share_id)
    there = rows.subquery()
    return (
        select(S.id, S.helps, func.coalesce(there.c.n, 0).label("there"))
        .join_from(Share.table, there, there.c.share_id == S.id, isouter=True)
        .where(or_(S.helps != func.coalesce(there.c.n, 0), S.helps != func.coalesce(there.c.top, 0)))
    )


def _share_rewards() -> Select[Any]:
    """A share is rewarded once, when it is complete, and its reward is the sharer's own coupon."""
    reward = Coupon.table.alias("reward")
    same = and_(
        reward.c.id == S.reward_coupon_id,
        reward.c.source == "share",
        reward.c.customer_id == S.customer_id,
        reward.c.reference == S.id.concat(":reward"),
    )
    decided = or_(S.reward_coupon_id.is_not(None), S.reward_refused.is_not(None))
    return (
        select(S.id, S.helps, S.reward_coupon_id)
        .join_from(Share.table, reward, same, isouter=True)
        .where(
            or_(
                and_(S.helps == S.friends, not_(decided)),
                and_(S.helps != S.friends, decided),
                and_(S.reward_coupon_id.is_not(None), reward.c.id.is_(None)),
            )
        )
    )


def _share_coupons() -> Select[Any]:
    """A coupon of a share is the sharer's reward or a helper's own."""
    return (
        select(C.id, C.reference)
        .join_from(
            Coupon.table, ShareHelp.table, and_(H.coupon_id == C.id, H.customer_id == C.customer_id), isouter=True
        )
        .join(Share.table, and_(S.reward_coupon_id == C.id, S.customer_id == C.customer_id), isouter=True)
        .where(C.source == "share", H.share_id.is_(None), S.id.is_(None))
    )


SHARING_CHECKS = (
    Check("share_helps", "a share counts its helps, numbered without gaps", _share_helps()),
    Check(
        "share_rewards", "a share is rewarded once, when it is complete, with the sharer's own coupon", _share_rewards()
    ),
    Check("share_coupons", "every coupon of a share is the sharer's reward or a helper's own", _share_coupons()),
)
