"""The identities of the ways to a coupon: codes, sharing, scanning and draws. Each as one statement, like those of `checks`."""

from typing import Any

from sqlalchemy import Select, String, and_, cast, func, not_, or_, select

from services.coupon.codes.models import Code, CodeBatch, PublicCode, PublicCodeUse
from services.coupon.draws.models import Draw, DrawPrize, DrawTicket
from services.coupon.scanning.models import ClaimScan
from services.coupon.sharing.models import Share, ShareHelp
from services.coupon.wallet.models import Coupon
from shared.audit import Check

B, U, P, N, C = CodeBatch.c, Code.c, PublicCode.c, PublicCodeUse.c, Coupon.c
S, H, Q, D, Z, K = Share.c, ShareHelp.c, ClaimScan.c, Draw.c, DrawPrize.c, DrawTicket.c


def _codes_made() -> Select[Any]:
    """A batch has as many codes as it says, numbered from 1 without gaps."""
    rows = select(U.batch_id, func.count().label("n"), func.max(U.number).label("top")).group_by(U.batch_id).subquery()
    there = func.coalesce(rows.c.n, 0)
    return (
        select(B.id, B.made, there.label("there"))
        .join_from(CodeBatch.table, rows, rows.c.batch_id == B.id, isouter=True)
        .where(or_(B.made != there, B.made != func.coalesce(rows.c.top, 0)))
    )


def _codes_used() -> Select[Any]:
    """A used code names the coupon that names it."""
    return (
        select(U.batch_id, U.number, U.coupon_id)
        .join_from(Code.table, Coupon.table, C.id == U.coupon_id, isouter=True)
        .where(
            U.coupon_id.is_not(None),
            or_(
                C.id.is_(None),
                C.source != "code",
                C.customer_id != U.customer_id,
                C.reference != U.batch_id.concat(":").concat(cast(U.number, String)),
            ),
        )
    )


def _code_coupons() -> Select[Any]:
    """A coupon of a code is the one that a code, unique or public, says it gave."""
    return (
        select(C.id, C.reference)
        .join_from(Coupon.table, Code.table, U.coupon_id == C.id, isouter=True)
        .join(PublicCodeUse.table, N.coupon_id == C.id, isouter=True)
        .where(C.source == "code", U.coupon_id.is_(None), N.coupon_id.is_(None))
    )


def _public_used() -> Select[Any]:
    rows = select(N.public_code_id, func.count().label("n")).group_by(N.public_code_id).subquery()
    there = func.coalesce(rows.c.n, 0)
    return (
        select(P.id, P.used, there.label("there"))
        .join_from(PublicCode.table, rows, rows.c.public_code_id == P.id, isouter=True)
        .where(or_(P.used != there, P.used > P.total))
    )


def _public_uses() -> Select[Any]:
    """A use names a coupon of its customer."""
    return (
        select(N.public_code_id, N.customer_id, N.number, N.coupon_id)
        .join_from(PublicCodeUse.table, Coupon.table, and_(C.id == N.coupon_id, C.source == "code"), isouter=True)
        .where(or_(C.id.is_(None), C.customer_id != N.customer_id))
    )


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


def _scans() -> Select[Any]:
    """A scan has the coupon that it gave, and that is its customer's."""
    return (
        select(Q.claim_code_id, Q.customer_id, Q.slot)
        .join_from(ClaimScan.table, Coupon.table, and_(C.id == Q.coupon_id, C.source == "qr"), isouter=True)
        .where(or_(C.id.is_(None), C.customer_id != Q.customer_id))
    )


def _tickets_gapless() -> Select[Any]:
    rows = select(K.draw_id, func.count().label("n"), func.max(K.number).label("top")).group_by(K.draw_id).subquery()
    there = func.coalesce(rows.c.n, 0)
    return (
        select(D.id, D.tickets, there.label("there"))
        .join_from(Draw.table, rows, rows.c.draw_id == D.id, isouter=True)
        .where(or_(D.tickets != there, D.tickets != func.coalesce(rows.c.top, 0)))
    )


def _prizes_within() -> Select[Any]:
    """A prize counts its tickets, and there are no more of them than there were prizes."""
    rows = select(K.draw_id, K.prize, func.count().label("n")).group_by(K.draw_id, K.prize).subquery()
    there = func.coalesce(rows.c.n, 0)
    return (
        select(Z.draw_id, Z.place, Z.awarded, there.label("there"))
        .join_from(DrawPrize.table, rows, and_(rows.c.draw_id == Z.draw_id, rows.c.prize == Z.place), isouter=True)
        .where(or_(Z.awarded != there, there > Z.quantity))
    )


def _tickets_pay() -> Select[Any]:
    """A ticket whose prize is a coupon has that coupon, and no other ticket has one."""
    won = and_(Z.draw_id == K.draw_id, Z.place == K.prize)
    theirs = and_(C.id == K.coupon_id, C.source == "draw", C.customer_id == K.customer_id)
    return (
        select(K.draw_id, K.number, K.coupon_id)
        .join_from(DrawTicket.table, DrawPrize.table, won, isouter=True)
        .join(Coupon.table, theirs, isouter=True)
        .where(
            or_(
                and_(Z.template_id.is_not(None), C.id.is_(None)),
                and_(Z.template_id.is_(None), K.coupon_id.is_not(None)),
                and_(C.id.is_not(None), C.template_id != Z.template_id),
            )
        )
    )


WAY_CHECKS = (
    Check("codes_made", "a batch has as many codes as it made, numbered without gaps", _codes_made()),
    Check("codes_used", "a used code names the coupon that names it", _codes_used()),
    Check("code_coupons", "every coupon of a code has its code", _code_coupons()),
    Check("public_used", "a public code's counter is the number of its uses, within its total", _public_used()),
    Check("share_helps", "a share counts its helps, numbered without gaps", _share_helps()),
    Check(
        "share_rewards", "a share is rewarded once, when it is complete, with the sharer's own coupon", _share_rewards()
    ),
    Check("share_coupons", "every coupon of a share is the sharer's reward or a helper's own", _share_coupons()),
    Check("scans", "every scan has the coupon that it gave its customer", _scans()),
    Check("tickets_gapless", "a draw counts its tickets, numbered without gaps", _tickets_gapless()),
    Check("prizes_within", "a prize counts its tickets and was given at most as often as there were", _prizes_within()),
    Check(
        "tickets_pay",
        "a ticket has a coupon exactly when its prize is one, of its template and customer",
        _tickets_pay(),
    ),
    Check("public_uses", "every use of a public code names a coupon of its customer", _public_uses()),
)
