"""What the engine prices: lines, and which of them a scope names. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from services.coupon.templates.scopes import LineScope, PriceRange

SHIPPING = "shipping"
"""The name of the line that stands for the shipping fee; no line of a cart may be called so."""
POINTS = "points"
"""The source of what is paid in points."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line that is checked out. Prices are per unit in minor units; `unit_price` is the activity price 活动价.

    `cost_price` is what the unit costs the shop, where it says so: only warnings for marketers read it.
    """

    line_id: str
    quantity: int
    unit_price: int
    list_price: int
    floor_price: int = 0
    product_id: str | None = None
    sku: str | None = None
    shop_id: str | None = None
    category: str | None = None
    brand: str | None = None
    tags: frozenset[str] = frozenset()
    discountable: bool = True
    cost_price: int | None = None

    @property
    def subtotal(self) -> int:
        """What the line costs before any discount."""
        return self.unit_price * self.quantity

    @property
    def floor(self) -> int:
        """What the line costs at least, whatever is taken off."""
        return min(self.floor_price * self.quantity, self.subtotal)


@dataclass(frozen=True, slots=True)
class Cart:
    """What is checked out: its lines, and the shipping fee in minor units."""

    lines: tuple[Line, ...]
    shipping_fee: int = 0
    currency: str = "CNY"

    @property
    def subtotal(self) -> int:
        """What all lines cost before any discount, without shipping."""
        return sum(line.subtotal for line in self.lines)


def lines_in(scope: LineScope, lines: Sequence[Line]) -> tuple[int, ...]:
    """Positions of the lines that the scope names. Lines that take no discount never count."""
    if scope.everything:
        return tuple(index for index, line in enumerate(lines) if line.discountable)
    return tuple(index for index, line in enumerate(lines) if line.discountable and _in_scope(scope, line))


def _in_scope(scope: LineScope, line: Line) -> bool:
    if scope.exclude_on_sale and line.unit_price < line.list_price:
        return False
    price = scope.unit_price
    if price is not None and not _within(price, line.unit_price):
        return False
    if any(_names(dimension, names, line) for dimension, names in scope.exclude.sets):
        return False
    return all(_names(dimension, names, line) for dimension, names in scope.include.sets)


def _within(price: PriceRange, amount: int) -> bool:
    return (price.gte is None or price.gte <= amount) and (price.lte is None or amount <= price.lte)


def _names(dimension: str, names: frozenset[str], line: Line) -> bool:
    """Does the line match the dimension of a filter?"""
    if dimension == "goods":
        return f"p{line.product_id}" in names or f"s{line.sku}" in names
    if dimension == "category":
        return line.category in names
    if dimension == "brand":
        return line.brand in names
    if dimension == "shop":
        return line.shop_id in names
    return not line.tags.isdisjoint(names)
