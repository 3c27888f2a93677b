"""Goods that several scopes name at once, found without a catalogue. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from services.coupon.pricing.cart import Line
from services.coupon.templates.scopes import LineScope

DEAREST = 10**11
"""What one unit may cost in a cart."""
_Names = frozenset[str]
_Goods = tuple[_Names | None, _Names | None]
"""Products and SKUs that a line may have; None where any will do."""
_MOST_WAYS = 8


@dataclass(frozen=True, slots=True)
class Sort:
    """A sort of goods that a number of scopes name: of each dimension the names that all of them allow.

    Products and SKUs are one dimension, so scopes that name different ones may mean the same goods: `goods` are the ways.
    What a scope says of prices is left aside.
    """

    named: Mapping[str, _Names] = field(default_factory=dict)
    goods: tuple[_Goods, ...] = ((None, None),)
    tags: tuple[_Names, ...] = ()
    shunned: Mapping[str, _Names] = field(default_factory=dict)

    def narrowed(self, scope: LineScope) -> "Sort | None":
        """The sort of goods that this scope names as well; None when there is none."""
        if scope.everything:
            return self
        for dimension, names in scope.include.sets:
            if dimension in self.named and self.named[dimension].isdisjoint(names):
                return None
        named, shunned, goods, tags = dict(self.named), dict(self.shunned), self.goods, self.tags
        for dimension, names in scope.exclude.sets:
            shunned[dimension] = shunned.get(dimension, frozenset()) | names
        for dimension, names in scope.include.sets:
            if dimension == "goods":
                goods = _both(goods, names)
            elif dimension == "tags":
                tags = (*tags, names)
            else:
                named[dimension] = named[dimension] & names if dimension in named else names
        found = Sort(named, goods, tags, shunned)
        return found if found._line() is not None else None

    def line(self, line_id: str, quantity: int, unit_price: int) -> Line:
        """A line of such goods."""
        line, price = self._line(), min(unit_price, DEAREST)
        assert line is not None  # noqa: S101 - no sort is made without goods
        return replace(line, line_id=line_id, quantity=quantity, unit_price=price, list_price=price)

    def _line(self) -> Line | None:
        names = {one: _first(allowed, self.shunned.get(one)) for one, allowed in self.named.items()}
        if None in names.values():
            return None
        tags = [_first(allowed, self.shunned.get("tags")) for allowed in self.tags]
        if None in tags:
            return None
        for products, skus in self.goods:
            product, sku = (_first(some, self.shunned.get("goods")) for some in (products, skus))
            if (product is None) == (products is None) and (sku is None) == (skus is None):
                return Line(
                    "",
                    1,
                    0,
                    0,
                    product_id=product and product[1:],
                    sku=sku and sku[1:],
                    shop_id=names.get("shop"),
                    category=names.get("category"),
                    brand=names.get("brand"),
                    tags=frozenset(tag for tag in tags if tag),
                )
        return None


ANY = Sort()


def dimensions(scope: LineScope) -> dict[str, _Names]:
    """Dimensions in which goods of the scope have one of these names, and no other one."""
    found = {dimension: names for dimension, names in scope.include.sets if dimension != "tags"}
    goods = found.pop("goods", None)
    kinds = {name[0] for name in goods or ()}
    return found if goods is None or len(kinds) > 1 else {**found, kinds.pop(): goods}


def _both(ways: tuple[_Goods, ...], names: _Names) -> tuple[_Goods, ...]:
    """Each way with one of these products, or one of these SKUs, as well."""
    products = frozenset(name for name in names if name[0] == "p")
    skus = names - products
    found: list[_Goods] = []
    for own_products, own_skus in ways:
        by_product = products if own_products is None else own_products & products
        by_sku = skus if own_skus is None else own_skus & skus
        found += [way for way in ((by_product, own_skus), (own_products, by_sku)) if way[0] != frozenset() != way[1]]
    return tuple(found[:_MOST_WAYS])


def _first(allowed: _Names | None, shunned: _Names | None) -> str | None:
    left = (allowed or frozenset()) - (shunned or frozenset())
    return min(left, default=None)
