"""Settings of the coupon service: `QUANYU_COUPON_*`, then `QUANYU_*`."""

from pydantic import Field, field_validator

from services.coupon.templates.validity import known_zone
from shared.settings import ServiceSettings


class CouponSettings(ServiceSettings, service="coupon"):
    """Defaults are those of the embedded suite."""

    time_zone: str = Field("Asia/Shanghai", description="the merchant's days and hours, where a template names no zone")
    sweep_seconds: float = Field(1.0, gt=0, description="pause between two looks for locks and coupons that ran out")
    remind_days_before: int = Field(
        3,
        ge=0,
        le=365,
        description="days before its end that an unused coupon is told of, where its template says nothing",
    )
    sweep_batch_size: int = Field(500, ge=1, le=5_000, description="coupons that one sweep transaction expires")
    job_chunk_size: int = Field(
        500, ge=1, le=2_000, description="customers that one transaction of an issue job serves"
    )
    group_commit_max: int = Field(256, ge=1, le=2_000, description="claims that one transaction takes at most")

    _zone = field_validator("time_zone")(known_zone)
