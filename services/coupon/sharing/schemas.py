"""What clients send and get about sharing."""

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field

from services.coupon.sharing.rules import ShareStatus
from services.coupon.wallet.schemas import CouponView
from shared.web import Body, ExternalId, Instant, Name, Patch, View

OfferStatus = Literal["active", "paused"]
_EXAMPLE: dict[str, Any] = {
    "name": "邀3位好友得50元券",
    "reward_template_id": "tpl_…",
    "friend_template_id": "tpl_…",
    "friends": 3,
    "window_hours": 24,
}


class ShareOfferIn(Body):
    """Share to get 分享得券: the sharer's coupon for so many friends within so many hours; a coupon for each friend, too."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})
    name: Name
    reward_template_id: ExternalId
    friend_template_id: ExternalId | None = None
    friends: Annotated[int, Field(strict=True, ge=1, le=20)]
    window_hours: Annotated[int, Field(strict=True, ge=1, le=24 * 90)] = 24
    per_customer: Annotated[int, Field(strict=True, ge=1, le=1000, description="shares of one customer")] = 1
    new_customer_days: Annotated[
        int | None, Field(strict=True, ge=1, le=3660, description="only friends first seen within so many days help")
    ] = None
    status: OfferStatus = "active"


class ShareOfferPatch(Patch):
    """Pause, activate, rename. What was promised to those who shared already stays."""

    name: Name | None = None
    status: OfferStatus | None = None


class ShareOfferView(View):
    """An offer, with its figures: shares begun and completed, friends who helped."""

    id: str
    name: str
    status: OfferStatus
    reward_template_id: str
    friend_template_id: str | None
    friends: int
    window_hours: int
    per_customer: int
    new_customer_days: int | None
    shares: int
    completed: int
    helps: int
    created_at: Instant
    updated_at: Instant


class ShareIn(Body):
    """Who shares."""

    customer_id: ExternalId


class HelpIn(Body):
    """Which friend opened the link."""

    customer_id: ExternalId


class ShareView(View):
    """A share. Friends who look at it don't see whose it is nor what became of the reward."""

    id: str
    offer_id: str
    offer_name: str
    token: Annotated[str, Field(description="what the shared link carries")]
    customer_id: str | None
    status: ShareStatus
    helps: int
    friends: int
    reward_coupon_id: str | None
    reward_refused: Annotated[str | None, Field(description="why the complete share gave no coupon, such as sold_out")]
    expires_at: Instant
    created_at: Instant


class HelpView(View):
    """What a friend's help did: they were the `position`-th, and this is their coupon, or why there is none."""

    share_id: str
    position: int
    status: ShareStatus
    helps: int
    friends: int
    coupon: CouponView | None
    refused: str | None


class HelperView(View):
    """One friend who helped."""

    position: int
    customer_id: str
    coupon_id: str | None
    refused: str | None
    created_at: Instant
