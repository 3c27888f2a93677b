"""HTTP shapes of counts."""

from typing import Annotated

from pydantic import Field

from services.inventory.ledger.schemas import StockView
from shared.web import Body, Count, ExternalId


class CountIn(Body):
    """What a person counted: everything that is physically there, reserved and damaged units too. `expected_version` is the
    level's version when counting began (0 for a SKU that was never there).
    """

    sku: ExternalId
    location_id: ExternalId
    counted: Count
    expected_version: Annotated[int, Field(strict=True, ge=0, le=2**63 - 1)]


class CountView(StockView):
    """The level after a count, and the difference that was found."""

    difference: int
