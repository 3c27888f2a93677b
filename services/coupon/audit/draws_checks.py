"""The identities of draws: tickets without gaps, no more prizes than there were, and each prize with its coupon."""

from typing import Any

from sqlalchemy import Select, and_, func, or_, select

from services.coupon.draws.models import Draw, DrawPrize, DrawTicket
from services.coupon.wallet.models import Coupon
from shared.audit import Check

D, Z, K, C = Draw.c, DrawPrize.c, DrawTicket.c, Coupon.c


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


DRAWS_CHECKS = (
    Check("tickets_gapless", "a draw counts its tickets, numbered without gaps", _tickets_gapless()),
    Check("prizes_within", "a prize counts its tickets and was given at most as often as there were", _prizes_within()),
    Check(
        "tickets_pay",
        "a ticket has a coupon exactly when its prize is one, of its template and customer",
        _tickets_pay(),
    ),
)
