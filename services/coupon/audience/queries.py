"""What is known of customers, as far as some offers ask."""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from services.coupon.audience import repository
from services.coupon.audience.repository import NO_ORDERS, OrdersMade, OrdersOf
from services.coupon.audience.rules import Facts, asks
from services.coupon.templates.terms import Scope
from shared.db import Transaction


@dataclass(frozen=True, slots=True)
class History:
    """What the rooms above this one know of customers: their orders, and when each got the first coupon."""

    orders: Sequence[OrdersOf]
    first_coupons: Callable[[Transaction, Sequence[str]], Awaitable[Mapping[str, datetime]]]


class Audience:
    """Answers from what is kept here and from the history that other rooms have."""

    def __init__(self, history: History) -> None:
        self._history = history

    async def facts(
        self,
        tx: Transaction,
        scopes: Iterable[Scope],
        customer_ids: Sequence[str],
        now: datetime,
        *,
        order_id: str | None = None,
    ) -> Mapping[str, Facts]:
        """Facts by customer. Only what these scopes ask for is looked up: mostly nothing.

        `order_id` is the order that is being made: it is not one of the customer's others. With it, and where first orders
        matter, the customer is locked, so that no other order of theirs is decided at the same time.
        """
        scopes = list(scopes)
        segments = {segment for scope in scopes for segment in scope.segments}
        first = any(scope.first_order_only for scope in scopes)
        new = any(scope.new_customer_days is not None for scope in scopes)
        tiers = any(scope.tiers for scope in scopes)
        if not any(asks(scope) for scope in scopes):
            return dict.fromkeys(customer_ids, Facts())
        if first and order_id is not None:
            await repository.lock(tx, customer_ids[0], now)
        members = await repository.memberships(tx, segments, customer_ids)
        people = await repository.customers(tx, customer_ids) if tiers or new else {}
        coupons = await self._history.first_coupons(tx, customer_ids) if new else {}
        orders = await self._orders(tx, customer_ids, now, order_id) if first or new else {}
        found = {}
        for customer_id in customer_ids:
            person = people.get(customer_id)
            made = orders.get(customer_id, NO_ORDERS)
            words = (made.first, coupons.get(customer_id), person.known_since if person else None)
            found[customer_id] = Facts(
                segments=frozenset(segment for segment in segments if (segment, customer_id) in members),
                tier=person.tier if person else None,
                known_since=min((at for at in words if at is not None), default=None),
                ordered=made.first is not None,
                held=made.held,
                refunded=made.refunded,
            )
        return found

    async def ordered_elsewhere(self, tx: Transaction, customer_id: str, order_id: str, now: datetime) -> bool:
        """True when this order can't be the customer's first any more: they made another, or have one open as their first.

        Locks the customer, like `facts` for an order.
        """
        await repository.lock(tx, customer_id, now)
        return customer_id in await self._orders(tx, [customer_id], now, order_id)

    async def first_seen(self, tx: Transaction, customer_ids: Sequence[str]) -> dict[str, datetime]:
        """When each customer got the first coupon, or was heard of before that. Orders are not looked at."""
        first = dict(await self._history.first_coupons(tx, customer_ids))
        for customer_id, person in (await repository.customers(tx, customer_ids)).items():
            first[customer_id] = min(first.get(customer_id, person.known_since), person.known_since)
        return first

    async def _orders(
        self, tx: Transaction, customer_ids: Sequence[str], now: datetime, but: str | None
    ) -> dict[str, OrdersMade]:
        return await repository.orders(tx, self._history.orders, customer_ids, now, but)
