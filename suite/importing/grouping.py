"""Lines to orders. The rows of one order stand near each other in an export, but not always side by side."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from suite.importing.reading import Row
from suite.importing.rules import Line, Reason

WINDOW = 50_000  # rows after its last one until an order counts as complete


@dataclass(slots=True)
class Order:
    """All lines of one order (or of one refund of it), with the rows they came from."""

    lines: list[Line] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)
    last_seen: int = 0


class Grouping:
    """Gathers lines by (order number, refund or not). Memory holds the orders of the last WINDOW rows, and the numbers of all."""

    def __init__(self, window: int = WINDOW) -> None:
        self._window = window
        self._open: dict[tuple[str, bool], Order] = {}  # kept in the order of last_seen: the first is the oldest
        self._closed: set[tuple[str, bool]] = set()
        self._seen = 0

    def add(self, row: Row, line: Line) -> Reason | None:
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
