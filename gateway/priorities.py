"""What goes first when not everything can be done: money before sales, sales before tracking, all of them before lists.

Who pays has a cart full of goods and a person behind them; who looks at a list comes again.
"""

from enum import IntEnum
from functools import cache

from gateway.route import PUBLIC, Route


class Priority(IntEnum):
    """The lower, the longer it is served."""

    ALWAYS = 0
    """Probes and public pages: refusing them would take a process that works out of use."""
    MONEY = 1
    """Checkouts, redemptions, refunds, reservations 结算、核销、退款、预占."""
    SALE = 2
    """Claims, quotes, availability, one object by its id 领券、试算、查询单个对象; deliveries of the order system."""
    TRACKING = 3
    """Events, inbox, entries of journeys 埋点、站内信. SDKs send them again."""
    LISTS = 4
    """Lists, figures, exports, settings 列表、统计、导出、管理."""


_BY_SCOPE = {
    "coupon:checkouts:write": Priority.MONEY,
    "coupon:completions:write": Priority.MONEY,
    "coupon:redemptions:write": Priority.MONEY,
    "coupon:refunds:write": Priority.MONEY,
    "coupon:voids:write": Priority.MONEY,
    "inventory:reservations:write": Priority.MONEY,
    "coupon:coupons:write": Priority.SALE,
    "coupon:coupons:read": Priority.SALE,
    "coupon:quotes:write": Priority.SALE,
    "coupon:redemption-tokens:write": Priority.SALE,
    "coupon:shares:write": Priority.SALE,
    "coupon:tickets:write": Priority.SALE,
    "inventory:availability:read": Priority.SALE,
    "segments:events:write": Priority.TRACKING,
    "journey:entries:write": Priority.TRACKING,
    "journey:inbox:read": Priority.TRACKING,
    "journey:inbox:write": Priority.TRACKING,
}
_OF_A_SALE = ("coupon", "inventory")


@cache
def priority_of(route: Route) -> Priority:
    """By its scope, and whether it asks for one object."""
    if route.webhook_in:
        return Priority.SALE
    if route.scope == PUBLIC:
        return Priority.ALWAYS
    one = route.method == "GET" and route.template.endswith("}") and route.service in _OF_A_SALE
    return _BY_SCOPE.get(route.scope, Priority.SALE if one else Priority.LISTS)
