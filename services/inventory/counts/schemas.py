"""HTTP shapes of counts."""

from typing import Annotated

from pydantic import Field, model_validator

from services.inventory.ledger.schemas import Remark, StockView
from shared.web import Body, Count, ExternalId, Instant


class CountIn(Body):
    """What a person counted: everything that is physically there, reserved and damaged units too. When: either `as_of`, the
    instant of the count, or `expected_version`, the level's version when counting began (0 for a SKU that was never there).
    What has moved since is accounted for.
    """

    sku: ExternalId
    location_id: ExternalId
    counted: Count
    as_of: Instant | None = None
    expected_version: Annotated[int, Field(strict=True, ge=0, le=2**63 - 1)] | None = None
    remark: Remark | None = None

    @model_validator(mode="after")
    def _when(self) -> "CountIn":
        if (self.as_of is None) == (self.expected_version is None):
            raise ValueError("say when it was counted: either as_of or expected_version")
        return self


class CountView(StockView):
    """The level after a count, and the difference that was found: what was counted minus what the ledger had on hand then."""

    difference: int
