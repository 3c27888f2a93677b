"""Lines to orders, and orders to the bodies that `POST /v1/imports/orders` takes. The same order always gives the same body.

A purchase is sent as `completed` and becomes `Order Completed`. A cancellation is sent as `refunded` (`Order Refunded`,
quantities and total positive) and not as a cancelled order, because it says what came back, often a part, but not always
which order it belongs to. `total` is what the customer paid: products, postage and other charges, less discounts. Only
products are lines.

The rows of one order stand near each other in an export, but not always side by side.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from shared.money import to_minor
from shared.table_files import TableRow
from suite.importing.reasons import Reason
from suite.importing.rules import Line

WINDOW = 50_000  # rows after its last one until an order counts as complete


@dataclass(slots=True)
class Order:
    """All lines of one order (or of one refund of it), with the rows they came from."""

    lines: list[Line] = field(default_factory=list)
    rows: list[TableRow] = field(default_factory=list)
    last_seen: int = 0


class OrderGroups:
    """Gathers lines by (order number, refund or not). Memory holds the orders of the last WINDOW rows, and the numbers of all."""

    def __init__(self, window: int = WINDOW) -> None:
        self._window = window
        self._open: dict[tuple[str, bool], Order] = {}  # kept in the order of last_seen: the first is the oldest
        self._closed: set[tuple[str, bool]] = set()
        self._seen = 0

    def add(self, row: TableRow, line: Line) -> Reason | None:
        """Take the line into its order; or why it cannot belong there."""
        self._seen += 1
        key = (line.order_id, line.refund)
        if key in self._closed:
            return Reason.SCATTERED
        order = self._open.pop(key, None) or Order()
        self._open[key] = order
        order.last_seen = self._seen
        if order.lines:
            first = order.lines[0]
            if first.customer_id != line.customer_id:
                return Reason.OTHER_CUSTOMER
            if first.currency != line.currency:
                return Reason.BAD_CURRENCY
            if first.order_total != line.order_total:
                return Reason.OTHER_TOTAL
        order.lines.append(line)
        order.rows.append(row)
        return None

    def complete(self) -> Iterator[Order]:
        """The orders that have not been seen for a window of rows."""
        while self._open:
            key, oldest = next(iter(self._open.items()))
            if self._seen - oldest.last_seen < self._window:
                return
            yield self._close(key)

    def rest(self) -> Iterator[Order]:
        """At the end of the file: all that are still open."""
        while self._open:
            yield self._close(next(iter(self._open)))

    def _close(self, key: tuple[str, bool]) -> Order:
        self._closed.add(key)
        return self._open.pop(key)


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
    """Minor units of the whole order; exact decimals are summed and rounded once. What was paid goes before prices.

    A discount lowers a purchase; given afterwards, on a refund, it is itself what is paid back.
    """
    if (whole := lines[0].order_total) is not None:
        return to_minor(whole, lines[0].currency)
    total = Decimal(0)
    for line in lines:
        amount = line.unit_price * line.quantity if line.paid is None else line.paid
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
