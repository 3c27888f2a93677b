"""Settings of the segments service: `QUANYU_SEGMENTS_*`, then `QUANYU_*`."""

from pydantic import Field

from shared.money import Currency
from shared.settings import ServiceSettings


class SegmentsSettings(ServiceSettings, service="segments"):
    """Defaults are those of the embedded suite."""

    default_currency: Currency = Field("CNY", description="of amounts and rules that name none")
    default_time_zone: str = Field("Asia/Shanghai", description="of segments and rules that name none (IANA name)")
    ingest_max_requests: int = Field(32, ge=1, le=1_000, description="tracking requests that one transaction takes")
    backfill_chunk: int = Field(500, ge=1, le=10_000, description="profiles that one backfill transaction takes")
    sweep_chunk: int = Field(500, ge=1, le=10_000, description="due changes that one sweep transaction takes")
