"""Which goods an offer names: filters over a line's names and its unit price."""

from functools import cached_property
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from shared.external_ids import ExternalId
from shared.web.schemas import Amount

Flag = Annotated[bool, Field(strict=True)]
Names = Annotated[tuple[ExternalId, ...], Field(max_length=1000)]


class Part(BaseModel):
    """Base of the terms' parts: frozen, and strict about unknown fields."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class LineFilter(Part):
    """Names of goods. A line must match every dimension that is named; within one, any value does.

    Products and SKUs are one dimension: either names the goods.
    """

    products: Names = ()
    skus: Names = ()
    categories: Names = ()
    brands: Names = ()
    shops: Names = ()
    tags: Names = ()

    @cached_property
    def sets(self) -> tuple[tuple[str, frozenset[str]], ...]:
        """The dimensions that are named, as sets to look up in. Products and SKUs stand under `goods`, prefixed."""
        goods = (*(f"p{name}" for name in self.products), *(f"s{name}" for name in self.skus))
        named = (
            ("goods", goods),
            ("category", self.categories),
            ("brand", self.brands),
            ("shop", self.shops),
            ("tags", self.tags),
        )
        return tuple((dimension, frozenset(names)) for dimension, names in named if names)


class PriceRange(Part):
    """Bounds of a line's unit price (the activity price), both included."""

    gte: Amount | None = None
    lte: Amount | None = None

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.gte is not None and self.lte is not None and self.lte < self.gte:
            raise ValueError("unit_price.lte lies under unit_price.gte; no line could match")
        return self


class LineScope(Part):
    """Which lines count. `exclude` removes a line that matches any of its names."""

    include: LineFilter = LineFilter()
    exclude: LineFilter = LineFilter()
    unit_price: PriceRange | None = None
    exclude_on_sale: Flag = False

    @cached_property
    def everything(self) -> bool:
        """True when no line can be outside."""
        return not self.exclude_on_sale and self.unit_price is None and not (self.include.sets or self.exclude.sets)
