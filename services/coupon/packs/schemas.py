"""What clients send and get about packs."""

from typing import Annotated, Any, Literal, Self

from pydantic import ConfigDict, Field, model_validator

from services.coupon.wallet.schemas import CouponView
from shared.web import Body, ExternalId, Instant, Name, View

Status = Literal["active", "paused"]
Trigger = Literal["profile_created"]
_EXAMPLE: dict[str, Any] = {
    "name": "新人礼包",
    "items": [{"template_id": "tpl_01JD0000000000000000000000", "quantity": 2}],
    "limits": {"total": 100000, "per_customer": 1},
    "auto_on": "profile_created",
}


class PackItem(Body):
    """Coupons of one template in the pack."""

    template_id: ExternalId
    quantity: Annotated[int, Field(strict=True, ge=1, le=10)] = 1


class PackLimits(Body):
    """How many packs there are. The limits of the templates inside hold as well."""

    total: Annotated[int, Field(strict=True, ge=0, le=10**12)] | None = None
    per_customer: Annotated[int, Field(strict=True, ge=1, le=1000)] = 1


class PackIn(Body):
    """A new pack 礼包. `auto_on` gives it unasked to everybody who is seen for the first time 新人自动发放."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})
    name: Name
    items: Annotated[tuple[PackItem, ...], Field(min_length=1, max_length=20)]
    limits: PackLimits = PackLimits()
    status: Status = "active"
    auto_on: Trigger | None = None

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        if len({item.template_id for item in self.items}) < len(self.items):
            raise ValueError("name each template once, with its quantity")
        return self


class PackPatch(Body):
    """What to change. `items` are replaced whole; of `limits` each field given is changed."""

    name: Name | None = None
    items: Annotated[tuple[PackItem, ...], Field(min_length=1, max_length=20)] | None = None
    limits: PackLimits | None = None
    status: Status | None = None
    auto_on: Trigger | None = None


class PackView(View):
    """A pack and how many were given."""

    id: str
    name: str
    status: Status
    items: tuple[PackItem, ...]
    limits: PackLimits
    auto_on: Trigger | None
    issued: int
    remaining: Annotated[int | None, Field(description="null without a total")]
    created_at: Instant
    updated_at: Instant


class PackClaimIn(Body):
    """Whose pack. `number` (1 for their first) makes the call safe to repeat: the same number is given once."""

    customer_id: ExternalId
    number: Annotated[int, Field(strict=True, ge=1, le=1000)] | None = None


class PackClaimView(View):
    """A pack that a customer got, with its coupons as they are now."""

    id: str
    pack_id: str
    customer_id: str
    number: int
    coupons: list[CouponView]
    created_at: Instant
