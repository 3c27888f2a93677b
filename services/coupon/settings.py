"""Settings of the coupon service: `QUANYU_COUPON_*`, then `QUANYU_*`."""

from typing import Annotated, Any, NamedTuple

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, field_validator
from pydantic_settings import NoDecode

from shared.settings import ServiceSettings
from shared.zones import known_zone

Points = Annotated[int, Field(ge=0, le=100)]


class Ramp(NamedTuple):
    """The points of one sign of abuse: `first` at a count of `start`, `each` more for every further one, at most `most`."""

    start: Annotated[int, Field(ge=1)]
    first: Points
    each: Points
    most: Points


def _split(value: Any) -> Any:
    return value.split(",") if isinstance(value, str) else value


def _rising(ramp: Ramp) -> Ramp:
    if ramp.most < ramp.first:
        raise ValueError("the fourth number, the most points, must not be less than the second, the first points")
    return ramp


RampText = Annotated[Ramp, NoDecode, BeforeValidator(_split), AfterValidator(_rising)]
"""`3,20,15,80` in the environment."""


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
        2_000, ge=1, le=5_000, description="customers that one transaction of an issue job serves at most"
    )
    code_chunk_size: int = Field(10_000, ge=1, le=50_000, description="codes that one transaction of a batch makes")
    group_commit_max: int = Field(256, ge=1, le=2_000, description="claims that one transaction takes at most")
    hash_secret: SecretStr | None = Field(
        None,
        description="keys the hashes of addresses and devices; empty = derived from the internal secret. A new one forgets "
        "deny lists and counts of them",
    )
    guess_window_seconds: int = Field(
        600, ge=1, le=86_400, description="how long a wrong code counts, and a lock-out lasts"
    )
    guess_budget_customer: int = Field(10, ge=1, description="wrong codes of one customer in a window")
    guess_budget_device: int = Field(10, ge=1, description="wrong codes of one device in a window")
    guess_budget_staff: int = Field(30, ge=1, description="wrong tokens and short codes of one staff key in a window")
    guess_budget_address: int = Field(100, ge=1, description="wrong codes of one shopper's address in a window")
    guess_budget_server: int = Field(
        1_000,
        ge=1,
        description="wrong codes of one server that names no shopper's address, or of all that one partner sends, in a window",
    )
    guess_budget_template: int = Field(
        2_000, ge=1, description="wrong codes of one template in a window, of all together"
    )
    abuse_case_score: int = Field(60, ge=1, le=100, description="from this score on a claim becomes a case to review")
    abuse_lag_seconds: float = Field(
        5.0, ge=0, description="how far scoring stays behind the clock; longer than any claim's transaction takes"
    )
    abuse_device_customers: RampText = Field(
        Ramp(3, 20, 15, 80),
        description="customers on one device within a day, as start,first,each,most: so many points at so many customers, so "
        "many more for each further one, at most so many (docs/adr/0011-abuse-scores.md); all points 0: not looked at",
    )
    abuse_address_customers: RampText = Field(
        Ramp(20, 10, 1, 40), description="customers on one address within a day, as start,first,each,most"
    )
    abuse_minute_coupons: RampText = Field(
        Ramp(5, 10, 5, 40), description="coupons of one customer within a minute, as start,first,each,most"
    )
    abuse_wrong_codes: RampText = Field(
        Ramp(3, 15, 5, 30),
        description="wrong codes of the customer, device or address of late, as start,first,each,most",
    )
    abuse_device_share: RampText = Field(
        Ramp(5, 25, 1, 60),
        description="percent of a template's coupons that one device took, as start,first,each,most",
    )
    abuse_device_share_coupons: int = Field(
        5, ge=1, description="coupons that a device must have of a template before its share is looked at"
    )
    abuse_new_minutes: int = Field(
        10, ge=0, description="how long after the first sight a customer is brand new; 0: not looked at"
    )
    abuse_new_points: int = Field(10, ge=0, le=100, description="points of a brand-new customer")

    lease_size: int = Field(
        2_000, ge=0, le=100_000, description="coupons that one of several processes leases of a hot template; 0: none"
    )
    lease_from: int = Field(
        8, ge=1, le=2_000, description="claims of one template in one transaction from which on a lease is worth it"
    )
    lease_seconds: float = Field(5.0, gt=0, description="after which a lease that was not used up goes back")

    redemption_token_seconds: int = Field(
        45, ge=10, le=55, description="how long a token works that is shown at a till"
    )
    offline_redemption_most: int = Field(
        20_000, ge=0, description="minor units that a till may take off for one coupon while it is offline"
    )
    offline_settle_days: int = Field(7, ge=1, le=90, description="days within which offline redemptions are settled")

    _zone = field_validator("time_zone")(known_zone)

    @property
    def fingerprint_secret(self) -> str:
        """What keys the hashes of personal values."""
        return self.hash_secret.get_secret_value() if self.hash_secret else self.resolved_internal_secret()
