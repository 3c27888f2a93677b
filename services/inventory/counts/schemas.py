"""HTTP shapes of counts."""

from typing import Annotated

from pydantic import Field, model_validator

from services.inventory.ledger.schemas import Remark, StockView
from shared.web import Body, Count, ExternalId, Instant

LevelVersion = Annotated[int, Field(strict=True, ge=0, le=2**63 - 1)]


class CountIn(Body):
    """What a person counted: everything that is physically there, reserved and damaged units too. When: either `as_of`, the
    instant of the count, or `version`, the level's version when counting began (0 for a SKU that was never there), which may
    be called `expected_version` too. What has moved since is accounted for.
    """

    sku: ExternalId
    location_id: ExternalId
    counted: Count
    as_of: Instant | None = None
    version: LevelVersion | None = None
    expected_version: LevelVersion | None = None
    remark: Remark | None = None

    @model_validator(mode="after")
    def _when(self) -> "CountIn":
        if [self.as_of, self.version, self.expected_version].count(None) != 2:
            raise ValueError("say once when it was counted: either as_of or version (expected_version is the same)")
        return self

    @property
    def began_at(self) -> int | None:
        """The level's version when counting began; None where `as_of` says when."""
        return self.expected_version if self.version is None else self.version


class CountView(StockView):
    """The level after a count, and the difference that was found: what was counted minus what the ledger had on hand then."""

    difference: int
