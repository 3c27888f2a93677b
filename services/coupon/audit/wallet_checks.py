"""The identities of coupons: what their templates count of them, what budgets and leases hold, their uses and their ledger."""

from typing import Any

from sqlalchemy import ColumnElement, CompoundSelect, Select, and_, case, func, or_, select, union_all

from services.coupon.checkout.models import Checkout, CheckoutCoupon
from services.coupon.redemption.models import Redemption
from services.coupon.templates.models import QuotaLease, Template, TemplateDay
from services.coupon.wallet.models import Coupon, CouponEntry
from shared.audit import Check

T, C, E, K, L, D = Template.c, Coupon.c, CouponEntry.c, Checkout.c, CheckoutCoupon.c, TemplateDay.c
R = Redemption.c


def _leased(column: ColumnElement[int], *matching: ColumnElement[bool]) -> ColumnElement[int]:
    """What processes hold of the row's template by leases and have not given out yet: it is counted already."""
    return func.coalesce(select(func.sum(column)).where(*matching).scalar_subquery(), 0)


def _issued_counter() -> Select[Any]:
    rows = select(C.template_id, func.count().label("n")).group_by(C.template_id).subquery()
    counted = func.coalesce(rows.c.n, 0) + _leased(QuotaLease.c.unused, QuotaLease.c.template_id == T.id)
    return (
        select(T.id, T.issued, counted.label("counted"))
        .join_from(Template.table, rows, rows.c.template_id == T.id, isouter=True)
        .where(T.kind == "coupon", T.issued != counted)
    )


def _within_limits() -> Select[Any]:
    return select(T.id, T.issued, T.budget_spent).where(or_(T.issued > T.total, T.budget_spent > T.budget))


def _orphans() -> Select[Any]:
    return (
        select(C.id, C.template_id)
        .join_from(Coupon.table, Template.table, T.id == C.template_id, isouter=True)
        .where(T.id.is_(None))
    )


def _day_counters() -> Select[Any]:
    rows = (
        select(C.template_id, C.issued_day, func.count().label("n"))
        .where(C.issued_day.is_not(None))
        .group_by(C.template_id, C.issued_day)
        .subquery()
    )
    of_day = (QuotaLease.c.template_id == D.template_id, QuotaLease.c.day == D.day)
    counted = func.coalesce(rows.c.n, 0) + _leased(QuotaLease.c.unused, *of_day)
    same = and_(rows.c.template_id == D.template_id, rows.c.issued_day == D.day)
    return (
        select(D.template_id, D.day, D.issued, counted.label("counted"))
        .join_from(TemplateDay.table, Template.table, T.id == D.template_id)
        .join(rows, same, isouter=True)
        .where(T.kind == "coupon", D.issued != counted)
    )


def _budget_ledger() -> Select[Any]:
    rows = select(E.template_id, func.sum(E.budget_change).label("n")).group_by(E.template_id).subquery()
    spent = func.coalesce(rows.c.n, 0) + _leased(
        QuotaLease.c.unused * QuotaLease.c.cost, QuotaLease.c.template_id == T.id
    )
    return (
        select(T.id, T.budget_spent, spent.label("ledger"))
        .join_from(Template.table, rows, rows.c.template_id == T.id, isouter=True)
        .where(T.kind == "coupon", T.budget_spent != spent)
    )


def _budget_reserved() -> Select[Any]:
    rows = select(C.template_id, func.sum(C.reserved).label("n")).group_by(C.template_id).subquery()
    held = func.coalesce(rows.c.n, 0) + _leased(
        QuotaLease.c.unused * QuotaLease.c.cost, QuotaLease.c.template_id == T.id
    )
    return (
        select(T.id, T.budget_spent, held.label("held"))
        .join_from(Template.table, rows, rows.c.template_id == T.id, isouter=True)
        .where(T.kind == "coupon", T.budget_spent != held)
    )


def _uses() -> CompoundSelect[Any]:
    """Every use that stands, with what it took off or promised: by an order that was paid, or at a till."""
    at_tills = select(R.coupon_id, R.amount).where(R.status == "redeemed")
    in_orders = (
        select(L.coupon_id, (L.amount + L.cash_back).label("amount"))
        .join_from(CheckoutCoupon.table, Checkout.table, K.id == L.checkout_id)
        .where(L.state == "redeemed", K.status == "committed")
    )
    return union_all(in_orders, at_tills)


def _reserves() -> Select[Any]:
    """An ended coupon holds nothing of the budget; a redeemed one holds what it took off and promised, where it held any."""
    used = _uses().subquery()
    return (
        select(C.id, C.status, C.reserved)
        .join_from(Coupon.table, used, used.c.coupon_id == C.id, isouter=True)
        .where(
            C.reserved != 0,
            or_(C.status.in_(("expired", "voided")), and_(C.status == "redeemed", C.reserved != used.c.amount)),
        )
    )


def _leases() -> Select[Any]:
    """A lease is of an active coupon template, and costs what each of its coupons will reserve."""
    free = or_(T.budget.is_(None), T.budget_on == "redemption")
    return (
        select(QuotaLease.c.template_id, QuotaLease.c.holder, QuotaLease.c.unused)
        .join_from(QuotaLease.table, Template.table, T.id == QuotaLease.c.template_id, isouter=True)
        .where(
            or_(
                T.id.is_(None),
                T.status != "active",
                T.kind != "coupon",
                free & (QuotaLease.c.cost != 0),
                T.per_day.is_(None) != QuotaLease.c.day.is_(None),
            )
        )
    )


def _redeemed_once() -> Select[Any]:
    """A coupon is redeemed exactly when one committed checkout or one store redemption used it."""
    uses = _uses().subquery()
    used = select(uses.c.coupon_id, func.count().label("n")).group_by(uses.c.coupon_id).subquery()
    times = func.coalesce(used.c.n, 0)
    return (
        select(C.id, C.status, times.label("uses"))
        .join_from(Coupon.table, used, used.c.coupon_id == C.id, isouter=True)
        .where(times != case((C.status == "redeemed", 1), else_=0))
    )


def _ledger_replay() -> Select[Any]:
    """The last entry says the coupon's status, and there are as many entries as steps, numbered without gaps."""
    last = CouponEntry.table.alias("last")
    numbers = (
        select(E.coupon_id, func.count().label("n"), func.max(E.step).label("top")).group_by(E.coupon_id).subquery()
    )
    return (
        select(C.id, C.status, C.step)
        .join_from(Coupon.table, last, and_(last.c.coupon_id == C.id, last.c.step == C.step), isouter=True)
        .join(numbers, numbers.c.coupon_id == C.id, isouter=True)
        .where(
            or_(
                last.c.to_status.is_(None),
                last.c.to_status != C.status,
                numbers.c.n != C.step,
                numbers.c.top != C.step,
            )
        )
    )


def _ledger_chain() -> Select[Any]:
    """Each entry begins where the one before ended."""
    before = CouponEntry.table.alias("before")
    same = and_(before.c.coupon_id == E.coupon_id, before.c.step == E.step - 1)
    return (
        select(E.coupon_id, E.step, E.from_status)
        .join_from(CouponEntry.table, before, same, isouter=True)
        .where(func.coalesce(E.from_status, "") != func.coalesce(before.c.to_status, ""))
    )


WALLET_CHECKS = (
    Check(
        "issued_counter", "a template's counter is the number of its coupons and of what is leased", _issued_counter()
    ),
    Check("within_limits", "no template is over its total or its budget", _within_limits()),
    Check("no_orphans", "every coupon has its template", _orphans()),
    Check(
        "day_counters",
        "a day's counter is the number of coupons of that day and of what is leased for it",
        _day_counters(),
    ),
    Check(
        "budget_is_ledger",
        "the budget spent is the sum of the ledger's budget changes and of what leases hold",
        _budget_ledger(),
    ),
    Check("budget_is_reserved", "the budget spent is what the coupons and leases hold of it", _budget_reserved()),
    Check("reserves_end", "an ended coupon holds no budget, a redeemed one what it took off", _reserves()),
    Check("leases", "what is leased belongs to an active template, on its budget and its day", _leases()),
    Check("redeemed_once", "a coupon is redeemed exactly when one paid order or one till used it", _redeemed_once()),
    Check("ledger_replay", "replaying a coupon's ledger gives its status", _ledger_replay()),
    Check("ledger_chain", "each ledger entry begins where the one before ended", _ledger_chain()),
)
