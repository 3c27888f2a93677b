"""The use case of the audience: what is known of customers, as far as some offers ask."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from services.coupon.audience import repository
from services.coupon.audience.rules import Facts
from services.coupon.templates.terms import Scope
from shared.db import Transaction


async def facts(
    tx: Transaction,
    scopes: Iterable[Scope],
    customer_ids: Sequence[str],
    now: datetime,
    *,
    order_id: str | None = None,
) -> Mapping[str, Facts]:
    """Facts by customer. Only what these scopes ask for is looked up: mostly nothing.

    `order_id` is the order that is being made: it is not one of the customer's others. With it, and where first orders
    matter, the customer is locked, so that no other order of hers is decided at the same time.
    """
    scopes = list(scopes)
    segments = {segment for scope in scopes for segment in scope.segments}
    first = any(scope.first_order_only for scope in scopes)
    new = any(scope.new_customer_days is not None for scope in scopes)
    tiers = any(scope.tiers for scope in scopes)
    if not (segments or tiers or new or first):
        return dict.fromkeys(customer_ids, Facts())
    if first and order_id is not None:
        await repository.hold(tx, customer_ids[0], now)
    members = await repository.memberships(tx, segments, customer_ids)
    people = await repository.customers(tx, customer_ids) if tiers or new else {}
    coupons = await repository.first_coupons(tx, customer_ids) if new else {}
    orders = await repository.orders(tx, customer_ids, now, order_id) if first or new else {}
    found = {}
    for customer_id in customer_ids:
        person = people.get(customer_id)
        ordered_at, held = orders.get(customer_id, (None, False))
        words = (ordered_at, coupons.get(customer_id), person.known_since if person else None)
        found[customer_id] = Facts(
            segments=frozenset(segment for segment in segments if (segment, customer_id) in members),
            tier=person.tier if person else None,
            known_since=min((at for at in words if at is not None), default=None),
            ordered=ordered_at is not None,
            held=held,
        )
    return found


async def ordered_elsewhere(tx: Transaction, customer_id: str, order_id: str, now: datetime) -> bool:
    """True when this order can't be the customer's first any more: she made another, or has one open as her first.

    Locks the customer, like `facts` for an order.
    """
    await repository.hold(tx, customer_id, now)
    return customer_id in await repository.orders(tx, [customer_id], now, order_id)
