"""The SQL of the audience: what is kept of customers, and what offers ask of it."""

from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Integer, Select, and_, case, func, literal, or_, select, union_all

from services.coupon.audience.models import CompletedOrder, Customer, SegmentMember
from services.coupon.audience.rules import Learned, Ordered, news
from shared.db import Transaction, excluded, insert_ignore, one_of, upsert

Orders = Select[tuple[str, str, datetime, int, int | None]]
"""`customer_id`, `order_id`, when they ordered (`at`), 1 where the order is `open` and uses a first-order offer, else 0, and 1
where all of it came `back`, 0 where it did not, None where nobody would say.
"""
OrdersOf = Callable[[Sequence[str], datetime, str], Orders]
"""How another room tells of the orders of these customers at that instant, without the order of that id."""


class _Membership(NamedTuple):
    segment_id: str
    customer_id: str


class OrdersMade(NamedTuple):
    """A customer's orders: when the first was made, whether an open one uses a first-order offer, whether the only one came
    back whole.
    """

    customer_id: str
    first: datetime | None
    held: bool
    refunded: bool


NO_ORDERS = OrdersMade("", None, held=False, refunded=False)


async def remember(tx: Transaction, segment_id: str, customer_id: str, member: bool, at: datetime) -> None:
    """Store a change unless a newer one is known already."""
    row = {"segment_id": segment_id, "customer_id": customer_id, "member": member, "changed_at": at}
    await upsert(
        tx,
        SegmentMember.table,
        [row],
        key=["segment_id", "customer_id"],
        update_columns=["member", "changed_at"],
        where=SegmentMember.c.changed_at <= excluded(tx, SegmentMember.table).changed_at,
    )


async def memberships(
    tx: Transaction, segments: Collection[str], customers: Sequence[str]
) -> frozenset[tuple[str, str]]:
    """Which of these customers belong to which of these segments, as (segment_id, customer_id)."""
    if not segments:
        return frozenset()
    found = select(SegmentMember.c.segment_id, SegmentMember.c.customer_id).where(
        one_of(SegmentMember.c.segment_id, sorted(segments)),
        one_of(SegmentMember.c.customer_id, customers),
        SegmentMember.c.member,
    )
    return frozenset(await tx.rows(_Membership, found))


def members(segment_id: str, after: str | None) -> Select[tuple[str]]:
    """Who is in the segment, in the order of their ids, behind `after`."""
    chosen = select(SegmentMember.c.customer_id).where(SegmentMember.c.segment_id == segment_id, SegmentMember.c.member)
    if after is not None:
        chosen = chosen.where(SegmentMember.c.customer_id > after)
    return chosen.order_by(SegmentMember.c.customer_id)


async def knows_segment(tx: Transaction, segment_id: str) -> bool:
    """True when anybody was ever told to be in the segment."""
    known = select(SegmentMember.c.customer_id).where(SegmentMember.c.segment_id == segment_id).limit(1)
    return await tx.scalar(known) is not None


async def customers(tx: Transaction, customer_ids: Sequence[str]) -> dict[str, Learned]:
    """What is kept of these customers, by id."""
    if not customer_ids:
        return {}
    chosen = select(Customer.table).where(one_of(Customer.c.customer_id, customer_ids))
    return {one.customer_id: one for one in await tx.rows(Learned, chosen)}


async def learn(tx: Transaction, learned: Sequence[Learned]) -> None:
    """Keep what is new, in whatever order it comes. The look before only spares writes; the statement decides."""
    fresh = news(learned, await customers(tx, [one.customer_id for one in learned]))
    told = excluded(tx, Customer.table)
    kept = Customer.c
    newer = and_(told.tier_at.is_not(None), or_(kept.tier_at.is_(None), kept.tier_at <= told.tier_at))
    await upsert(
        tx,
        Customer.table,
        [_row(one) for one in fresh],
        key=["customer_id"],
        update_columns={
            "known_since": case((told.known_since < kept.known_since, told.known_since), else_=kept.known_since),
            "tier": case((newer, told.tier), else_=kept.tier),
            "tier_at": case((newer, told.tier_at), else_=kept.tier_at),
        },
    )


async def add_orders(tx: Transaction, orders: Sequence[Ordered]) -> None:
    """An order counts once, whoever tells of it again."""
    rows = [
        {"order_id": one.order_id, "customer_id": one.customer_id, "completed_at": one.completed_at} for one in orders
    ]
    await insert_ignore(tx, CompletedOrder.table, rows)


async def lock(tx: Transaction, customer_id: str, now: datetime) -> None:
    """Lock the customer until the end of the transaction, so that their orders are decided one after the other.

    After their coupons and the offers with limits: nobody who holds them waits for anybody else.
    """
    await insert_ignore(tx, Customer.table, [_row(Learned(customer_id, now))])
    await tx.scalar(select(Customer.c.customer_id).where(Customer.c.customer_id == customer_id).with_for_update())


async def orders(
    tx: Transaction, sources: Sequence[OrdersOf], customer_ids: Sequence[str], now: datetime, but: str | None = None
) -> dict[str, OrdersMade]:
    """By customer, those who made or have any. An order that several tell of is one, and back when nobody says that it is not.

    Orders are those that tracking told of and those of the `sources`; the order `but` is left out.
    """
    there = CompletedOrder.c
    no = literal(0, Integer)
    unsaid = literal(None, Integer).label("back")
    told = select(there.customer_id, there.order_id, there.completed_at.label("at"), no.label("open"), unsaid)
    told = told.where(one_of(there.customer_id, customer_ids), there.order_id != (but or ""))
    every = union_all(told, *(orders_of(customer_ids, now, but or "") for orders_of in sources)).subquery()
    each = (
        select(
            every.c.customer_id,
            func.min(every.c.at).label("at"),
            func.max(every.c.open).label("open"),
            func.coalesce(func.min(every.c.back), 0).label("back"),
        )
        .group_by(every.c.customer_id, every.c.order_id)
        .subquery()
    )
    made = case((each.c.open == 0, 1))
    chosen = select(
        each.c.customer_id,
        func.min(case((each.c.open == 0, each.c.at))).label("first"),
        (func.max(each.c.open) > 0).label("held"),
        and_(func.count(made) == 1, func.sum(each.c.back) == 1).label("refunded"),
    ).group_by(each.c.customer_id)
    return {row.customer_id: row for row in await tx.rows(OrdersMade, chosen)}


def _row(one: Learned) -> dict[str, Any]:
    return {
        "customer_id": one.customer_id,
        "known_since": one.known_since,
        "tier": one.tier,
        "tier_at": one.tier_at,
    }
