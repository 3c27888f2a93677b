"""From an order of the past to the event that it was. Pure."""

import hashlib
from datetime import datetime
from typing import Any

from services.segments.events.rules import ORDER_COMPLETED, Item, facts, nested_too_deeply
from services.segments.imports.schemas import OrderIn
from services.segments.rule_language.scalars import MAX_NUMBER, micros
from services.segments.tracking.rules import Rejected

NAMES = {"completed": ORDER_COMPLETED, "refunded": "Order Refunded"}


def order_item(order: OrderIn, source: str, currency: str, received_at: datetime, partner: str | None = None) -> Item:
    """The event of an order; a `partner` counts orders for themselves. Raises Rejected."""
    if order.ordered_at > received_at:
        raise Rejected("ordered_in_the_future", "`ordered_at` lies in the future; check the time zone of the file.")
    total = order.total
    if total is None:
        total = sum(line.quantity * line.unit_price for line in order.lines)
    if total > MAX_NUMBER:
        raise Rejected("amount_out_of_range", "`total` is too large to be stored.")
    if nested_too_deeply(order.traits):
        raise Rejected("nested_too_deeply", "`traits` hold at most 32 levels of objects and lists.")
    properties: dict[str, Any] = {
        "order_id": order.order_id,
        "total": total,
        "currency": order.currency or currency,
        "quantity": sum(line.quantity for line in order.lines),
        "products": [_product(line.model_dump(exclude_none=True)) for line in order.lines],
    }
    name = NAMES[order.kind]
    counted = order.order_id if partner is None else f"{partner}:{_digest(order.order_id)}"
    return Item(
        message_id=message_id(source, order.kind, counted),
        type="track",
        name=name,
        user_id=order.customer_id,
        anonymous_id=None,
        previous_id=None,
        ts=micros(order.ordered_at),
        received_at=micros(received_at),
        history=True,
        properties=properties,
        traits=dict(order.traits),
        context={"import": {"source": source}},
        facts=facts(properties),
        order_id=counted if name == ORDER_COMPLETED else None,
        tells_traits=bool(order.traits),
    )


def message_id(source: str, kind: str, order_id: str) -> str:
    """The same for the same order of the same source, at most 100 characters."""
    plain = f"import:{source}:{kind}:{order_id}"
    if len(plain) <= 100:
        return plain
    return f"import:{source}:{_digest(plain)}"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:40]


def _product(line: dict[str, Any]) -> dict[str, Any]:
    line["price"] = line.pop("unit_price")
    return line
