"""The identities of promotions: their counters are what checkouts take of them, and so is their ledger."""

from typing import Any

from sqlalchemy import Select, and_, case, func, or_, select

from services.coupon.checkout.models import Checkout, CheckoutPromotion, DiscountShare, PromotionEntry
from services.coupon.templates.models import Template, TemplateDay
from shared.audit import Check

T, D, K, S = Template.c, TemplateDay.c, Checkout.c, DiscountShare.c
U, E = CheckoutPromotion.c, PromotionEntry.c
_COUNTS = U.state.in_(("live", "redeemed"))


def _counters() -> Select[Any]:
    rows = (
        select(U.promotion_id, func.count().label("n"), func.sum(U.budget_taken).label("budget"))
        .where(_COUNTS)
        .group_by(U.promotion_id)
        .subquery()
    )
    orders, budget = func.coalesce(rows.c.n, 0), func.coalesce(rows.c.budget, 0)
    return (
        select(T.id, T.issued, orders.label("orders"), T.budget_spent, budget.label("budget"))
        .join_from(Template.table, rows, rows.c.promotion_id == T.id, isouter=True)
        .where(T.kind == "promotion", or_(T.issued != orders, T.budget_spent != budget))
    )


def _ledger() -> Select[Any]:
    rows = (
        select(E.promotion_id, func.sum(E.issued_change).label("n"), func.sum(E.budget_change).label("budget"))
        .group_by(E.promotion_id)
        .subquery()
    )
    orders, budget = func.coalesce(rows.c.n, 0), func.coalesce(rows.c.budget, 0)
    return (
        select(T.id, T.issued, orders.label("orders"), T.budget_spent, budget.label("budget"))
        .join_from(Template.table, rows, rows.c.promotion_id == T.id, isouter=True)
        .where(T.kind == "promotion", or_(T.issued != orders, T.budget_spent != budget))
    )


def _days() -> Select[Any]:
    rows = select(U.promotion_id, U.day, func.count().label("n")).where(_COUNTS).group_by(U.promotion_id, U.day)
    found = rows.subquery()
    orders = func.coalesce(found.c.n, 0)
    return (
        select(D.template_id, D.day, D.issued, orders.label("orders"))
        .join_from(TemplateDay.table, Template.table, T.id == D.template_id)
        .join(found, and_(found.c.promotion_id == D.template_id, found.c.day == D.day), isouter=True)
        .where(T.kind == "promotion", D.issued != orders)
    )


def _states() -> Select[Any]:
    """A use follows its checkout: live while that is locked, redeemed (or returned by a refund) once it is paid."""
    wanted = case(
        (K.status == "locked", U.state == "live"),
        (K.status == "committed", U.state.in_(("redeemed", "returned"))),
        else_=U.state == "released",
    )
    return (
        select(U.checkout_id, U.promotion_id, U.state, K.status)
        .join_from(CheckoutPromotion.table, Checkout.table, K.id == U.checkout_id, isouter=True)
        .where(or_(K.id.is_(None), ~wanted))
    )


def _replay() -> Select[Any]:
    """The last entry of a use says its state, and its entries are numbered without gaps."""
    rows = (
        select(E.checkout_id, E.promotion_id, func.count().label("n"), func.max(E.step).label("top"))
        .group_by(E.checkout_id, E.promotion_id)
        .subquery()
    )
    of_use = and_(rows.c.checkout_id == U.checkout_id, rows.c.promotion_id == U.promotion_id)
    last = and_(E.checkout_id == U.checkout_id, E.promotion_id == U.promotion_id, E.step == U.step)
    return (
        select(U.checkout_id, U.promotion_id, U.state, U.step)
        .join_from(CheckoutPromotion.table, rows, of_use, isouter=True)
        .join(PromotionEntry.table, last, isouter=True)
        .where(or_(E.to_state.is_(None), E.to_state != U.state, rows.c.n != U.step, rows.c.top != U.step))
    )


def _shares() -> Select[Any]:
    rows = select(S.checkout_id, S.source, func.sum(S.amount).label("n")).group_by(S.checkout_id, S.source).subquery()
    shared = func.coalesce(rows.c.n, 0)
    same = and_(rows.c.checkout_id == U.checkout_id, rows.c.source == U.promotion_id)
    return (
        select(U.checkout_id, U.promotion_id, U.amount, shared.label("shares"))
        .join_from(CheckoutPromotion.table, rows, same, isouter=True)
        .where(U.amount != shared)
    )


PROMOTIONS_CHECKS = (
    Check(
        "promotion_counters",
        "a promotion counts its open and paid orders, and what they took of its budget",
        _counters(),
    ),
    Check("promotion_ledger", "a promotion's counters are the sums of its ledger", _ledger()),
    Check("promotion_days", "a promotion's counter of a day is the number of that day's open and paid orders", _days()),
    Check("promotion_states", "an order's use of a promotion is live, kept or given back as the order is", _states()),
    Check("promotion_replay", "replaying the ledger of an order's promotion gives its state", _replay()),
    Check("promotion_shares", "the shares of a promotion sum up to what it takes off", _shares()),
)
