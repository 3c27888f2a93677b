"""What a row of an order file means: a line of an order, or the reason why it is none. Pure.

The rules, in the order in which they are asked:

- A row without an order number, without a customer, or whose cells do not match the header is rejected. Rows without a
  customer belong to nobody: no customer is made of them.
- An order that nobody paid, or that was called off, by its status (`exports`), is no purchase.
- The time must be a date that exists; without an offset it is local time in the time zone of the import.
- The quantity is a whole number and not 0. A negative one is a refund of that many units.
- The price is a decimal number, 0 or more. 0 is a gift and stays in its order; an order of gifts only is no purchase.
- What was paid counts, where the export says it, and not the sum of the lines' prices.
- Prices that the currency cannot hold (0.001 pounds) are summed exactly and rounded half up once, per order.
- Two equal rows are two lines: the file does not say that one is a mistake.

Of the Online Retail data set we know more: an order number with a `C` is a cancellation, negative quantities elsewhere
are stock corrections, and some product codes are no products (postage, discounts, bank charges …).
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, tzinfo
from decimal import Decimal, InvalidOperation
from typing import Literal

from shared.money import known_currency
from suite.importing.columns import Columns, plain_cell
from suite.importing.exports import unsold
from suite.importing.reasons import LONGEST_ID, Reason

MOST_UNITS = 10_000_000
HIGHEST_PRICE = Decimal(1_000_000_000)

Kind = Literal["product", "shipping", "discount", "charge"]


_FIELDS: Mapping[Reason, tuple[str, ...]] = {
    Reason.BAD_DATE: ("at",),
    Reason.BAD_QUANTITY: ("quantity",),
    Reason.BAD_PRICE: ("unit_price", "total"),
    Reason.BAD_CURRENCY: ("currency",),
    Reason.OTHER_TOTAL: ("total",),
    Reason.UNSOLD: ("status",),
    Reason.ROUNDED: ("order_id", "customer_id"),
}
"""Where to look. Customers' own cells are not repeated on the screen."""
_SHOWN = 40  # characters of a cell
_ROUNDED = re.compile(r"\d(\.\d+)?E\+\d+", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Line:
    """One line of an order. Amounts in major units as written; `quantity` is positive, `refund` says which way.

    `paid` is what was paid for all of this line, `order_total` for its whole order, where the file says so.
    """

    order_id: str
    customer_id: str
    at: datetime
    kind: Kind
    sku: str
    name: str
    quantity: int
    unit_price: Decimal
    currency: str
    country: str
    refund: bool
    paid: Decimal | None = None
    order_total: Decimal | None = None


# Codes of the Online Retail shop that are no products.
ONLINE_RETAIL_CODES: Mapping[str, Kind | Reason] = {
    "POST": "shipping", "DOT": "shipping", "C2": "shipping", "D": "discount", "M": "charge",
    "BANK CHARGES": Reason.NOT_A_SALE, "AMAZONFEE": Reason.NOT_A_SALE, "CRUK": Reason.NOT_A_SALE,
    "S": Reason.NOT_A_SALE, "B": Reason.NOT_A_SALE,
}  # fmt: skip
DATE_SHAPES = (
    "%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%d", "%Y/%m/%d %H:%M:%S", "%Y/%m/%d %H:%M", "%Y/%m/%d",
    "%Y年%m月%d日 %H:%M:%S", "%Y年%m月%d日",
)  # fmt: skip


class Reader:
    """Turns the rows of one file into lines. Dates repeat from row to row, so parsed ones are kept."""

    def __init__(self, columns: Columns, currency: str, time_zone: tzinfo) -> None:
        self._at = columns.position
        self._width = len(columns.header)
        self._by_line = columns.by_line
        self._online_retail = columns.online_retail
        self._export = columns.export
        self._header = columns.header
        self._currency = currency
        self._zone = time_zone
        self._dates: dict[str, datetime | None] = {}

    def line(self, cells: Sequence[str]) -> Line | Reason:
        """One row's line, or why it has none."""
        if len(cells) != self._width:
            return Reason.BAD_ROW
        order_id, customer_id = self._cell(cells, "order_id"), self._cell(cells, "customer_id")
        if not order_id:
            return Reason.NO_ORDER
        if not customer_id:
            return Reason.NO_CUSTOMER
        if _ROUNDED.fullmatch(order_id) or _ROUNDED.fullmatch(customer_id):
            return Reason.ROUNDED
        if unsold(self._cell(cells, "status")):
            return Reason.UNSOLD
        sku = self._sku(cells) if self._by_line else ""
        if max(len(order_id), len(customer_id), len(sku)) > LONGEST_ID:
            return Reason.TOO_LONG
        if not "".join(cells).isprintable() and _broken(cells):
            return Reason.BAD_CHARACTERS
        when = self._date(self._cell(cells, "at"))
        if when is None:
            return Reason.BAD_DATE
        try:
            currency = known_currency(self._cell(cells, "currency").upper() or self._currency)
        except ValueError:
            return Reason.BAD_CURRENCY
        money = self._money(cells)
        if isinstance(money, Reason):
            return money
        quantity, price = money
        paid = self._paid(cells)
        if isinstance(paid, Reason):
            return paid
        kind = self._kind(sku, order_id, quantity)
        if isinstance(kind, Reason):
            return kind
        name, country = self._cell(cells, "name"), self._cell(cells, "country")
        line = Line(order_id, customer_id, when, kind, sku, name, abs(quantity), price, currency, country, quantity < 0)
        if paid is None or self._export is None:
            return line
        return replace(line, order_total=paid) if self._export.amount == "order" else replace(line, paid=paid)

    def where(self, cells: Sequence[str], reason: Reason) -> str:
        """`下单时间: 2026-02-30`, for those who look for the mistake; empty where the reason itself says it."""
        if len(cells) != self._width:
            return ""
        found = (self._at[name][0] for name in _FIELDS.get(reason, ()) if name in self._at)
        return ", ".join(f"{self._header[index]}: {cells[index].strip()[:_SHOWN]}" for index in found)

    def _cell(self, cells: Sequence[str], name: str) -> str:
        texts = (plain_cell(cells[index]) for index in self._at.get(name, ()))
        return next(filter(None, texts), "")

    def _sku(self, cells: Sequence[str]) -> str:
        sku = self._cell(cells, "sku")
        return sku.upper() if self._online_retail else sku  # there, codes that differ only in case are one product

    def _money(self, cells: Sequence[str]) -> tuple[int, Decimal] | Reason:
        """(quantity, unit price); a row that is a whole order counts as one unit at its total."""
        if not self._by_line:
            total = _decimal(self._cell(cells, "total"))
            if total is None or abs(total) > HIGHEST_PRICE:
                return Reason.BAD_PRICE
            return (-1 if total < 0 else 1), abs(total)
        quantity = _whole(self._cell(cells, "quantity"))
        if quantity is None or quantity == 0 or abs(quantity) > MOST_UNITS:
            return Reason.BAD_QUANTITY
        price = _decimal(self._cell(cells, "unit_price"))
        if price is None or price < 0 or price > HIGHEST_PRICE:
            return Reason.BAD_PRICE
        return quantity, price

    def _paid(self, cells: Sequence[str]) -> Decimal | Reason | None:
        """What an export says was paid, beside the prices of its lines."""
        if self._export is None or "total" not in self._at:
            return None
        paid = _decimal(self._cell(cells, "total"))
        return Reason.BAD_PRICE if paid is None or not 0 <= abs(paid) <= HIGHEST_PRICE else abs(paid)

    def _kind(self, sku: str, order_id: str, quantity: int) -> Kind | Reason:
        if not self._by_line:
            return "charge"
        if not sku:
            return Reason.NO_PRODUCT
        if not self._online_retail:
            return "product"
        if order_id[0] == "C":
            if quantity > 0:
                return Reason.BAD_QUANTITY
        elif quantity < 0:
            return Reason.STOCK_CORRECTION
        return ONLINE_RETAIL_CODES.get(sku, "product")

    def _date(self, text: str) -> datetime | None:
        if text not in self._dates:
            if len(self._dates) > 10_000:
                self._dates.clear()
            self._dates[text] = parse_time(text, self._zone)
        return self._dates[text]


def parse_time(text: str, zone: tzinfo) -> datetime | None:
    """An instant in UTC from ISO 8601 or the usual ways of writing it; None when there is no such time."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        found = (_shaped(text, shape) for shape in DATE_SHAPES)
        parsed = next((moment for moment in found if moment is not None), None)
        if parsed is None:
            return None
        moment = parsed
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=zone)
    try:
        moment = moment.astimezone(UTC)
    except OverflowError:
        return None
    return moment if 1970 <= moment.year < 2200 else None


def _shaped(text: str, shape: str) -> datetime | None:
    try:
        return datetime.strptime(text, shape)  # noqa: DTZ007  # the zone is put on by the caller
    except ValueError:
        return None


def _whole(text: str) -> int | None:
    value = _decimal(text)
    return int(value) if value is not None and abs(value) < 10**12 and value == value.to_integral_value() else None


def _decimal(text: str) -> Decimal | None:
    """A finite decimal, also written as ¥1,234.50 or 1234.50元; None for anything else."""
    try:
        value = Decimal(text.lstrip("¥￥£$€").removesuffix("元").replace(",", "").replace("，", "").strip())
    except InvalidOperation:
        return None
    return value if value.is_finite() else None


def _broken(cells: Sequence[str]) -> bool:
    """True for bytes that did not decode (surrogate escapes, replacement characters) and for NUL."""
    return any("\udc80" <= char <= "\udcff" or char in "\ufffd\x00" for cell in cells for char in cell)
