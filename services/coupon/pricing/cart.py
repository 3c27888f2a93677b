"""What the engine prices: lines, and which of them a scope names. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from services.coupon.templates.scopes import LineFilter, LineScope
from services.coupon.templates.terms import Basis

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
        return sum(line.subtotal for line in self.lines)


def on_basis(line: Line, basis: Basis, running: int) -> int:
    """The line's amount on a price basis; `running` is what earlier discounts left of it."""
    if basis == "running":
        return running
    return (line.list_price if basis == "list" else line.unit_price) * line.quantity


def lines_in(scope: LineScope, lines: Sequence[Line]) -> tuple[int, ...]:
    """Positions of the lines that the scope names. Lines that take no discount never count."""
    return tuple(index for index, line in enumerate(lines) if line.discountable and _in_scope(scope, line))


def _in_scope(scope: LineScope, line: Line) -> bool:
    if scope.exclude_on_sale and line.unit_price < line.list_price:
        return False
    price = scope.unit_price
    if price is not None and not (price.gte or 0) <= line.unit_price <= (
        line.unit_price if price.lte is None else price.lte
    ):
        return False
    if any(answer for answer in _dimensions(scope.exclude, line)):
        return False
    return all(_dimensions(scope.include, line))


def _dimensions(names: LineFilter, line: Line) -> Iterable[bool]:
    """For each dimension that is named: does the line match it?"""
    if names.products or names.skus:
        yield line.product_id in names.products or line.sku in names.skus
    if names.categories:
        yield line.category in names.categories
    if names.brands:
        yield line.brand in names.brands
    if names.shops:
        yield line.shop_id in names.shops
    if names.tags:
        yield not line.tags.isdisjoint(names.tags)
