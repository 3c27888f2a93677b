"""Settings of the inventory service: `QUANYU_INVENTORY_*`, then `QUANYU_*`."""

from pydantic import Field

from shared.settings import ServiceSettings


class InventorySettings(ServiceSettings, service="inventory"):
    """Defaults are those of the embedded suite."""

    low_stock_threshold: int = Field(
        5, ge=0, description="units at or under which a SKU is low, unless one of its places has a threshold of its own"
    )
    signal_seconds: float = Field(
        1.0, gt=0, description="pause between two looks for SKUs that got low, sold out or back in stock"
    )
    expiry_sweep_seconds: float = Field(1.0, gt=0, description="pause between two looks for reservations that ran out")
    expiry_batch_size: int = Field(500, ge=1, le=5_000, description="reservations that one sweep transaction expires")
    group_commit_max: int = Field(256, ge=1, le=2_000, description="requests that one transaction takes at most")
