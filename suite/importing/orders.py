"""Orders to the bodies that `POST /v1/imports/orders` takes. Pure: the same order always gives the same body.

A purchase is sent as `completed` and becomes `Order Completed`. A cancellation is sent as `refunded` (`Order Refunded`,
quantities and total positive) and not as a cancelled order, because it says what came back, often a part, but not always
which order it belongs to. `total` is what the customer paid: products, postage and other charges, less discounts. Only
products are lines.
"""

from decimal import Decimal
from typing import Any

from shared.money import to_minor
from suite.importing.grouping import Order
from suite.importing.rules import Line, Reason


def order_body(order: Order) -> dict[str, Any] | Reason:
    """The order as the import takes it; FREE_ORDER when nothing in it had a price."""
    first = order.lines[0]
    total = total_of(order.lines)
    if total <= 0:
        return Reason.FREE_ORDER
    body: dict[str, Any] = {
        "order_id": first.order_id,
        "kind": "refunded" if first.refund else "completed",
        "customer_id": first.customer_id,
        "ordered_at": min(line.at for line in order.lines).isoformat(),
        "currency": first.currency,
        "total": total,
        "lines": [_line(line) for line in order.lines if line.kind == "product"],
    }
    if first.country:
        body["traits"] = {"country": first.country}
    return body


def total_of(lines: list[Line]) -> int:
    """Minor units of the whole order; exact decimals are summed and rounded once.

    A discount lowers a purchase; given afterwards, on a refund, it is itself what is paid back.
    """
    total = Decimal(0)
    for line in lines:
        amount = line.unit_price * line.quantity
        total += -amount if line.kind == "discount" and not line.refund else amount
    return to_minor(total, lines[0].currency)


def _line(line: Line) -> dict[str, Any]:
    body: dict[str, Any] = {
        "sku": line.sku,
        "quantity": line.quantity,
        "unit_price": to_minor(line.unit_price, line.currency),
    }
    if line.name:
        body["name"] = line.name
    return body
