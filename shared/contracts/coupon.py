"""What the coupon service tells: the life of a coupon 优惠券 and of its template 券模板."""

from typing import Any, Literal

from shared.contracts.base import Event, Instant, OwnedEvent, contract


class CouponEvent(OwnedEvent):
    """One customer's copy of an offer. `owner_id` is whose coupon it is; of a coupon on an order, whose order that is."""

    coupon_id: str
    template_id: str
    customer_id: str


@contract("coupon.issued", owner="coupon", public=True)
class CouponIssued(CouponEvent):
    """A customer received a coupon 发券. `reference` is the id of whoever asked for it (a journey's effect)."""

    template_name: str
    code: str
    valid_from: Instant
    valid_until: Instant
    currency: str
    benefit: dict[str, Any]
    source: Literal["claim", "direct", "journey", "code", "pack", "share", "qr", "draw", "cash_back"]
    reference: str | None = None


class CouponOnOrder(CouponEvent):
    """A coupon on an order; `amount` is its discount in minor units."""

    order_id: str
    amount: int
    currency: str
    shop_id: str | None = None


@contract("coupon.locked", owner="coupon", public=True)
class CouponLocked(CouponOnOrder):
    """A checkout holds the coupon 锁定."""

    checkout_id: str


@contract("coupon.redeemed", owner="coupon", public=True)
class CouponRedeemed(CouponOnOrder):
    """The order was paid; the coupon is used 核销.

    Online it carries `checkout_id`. At a till it carries `redemption_id` and `shop_id`, and `order_id` is the receipt.
    """

    checkout_id: str | None = None
    redemption_id: str | None = None


@contract("coupon.returned", owner="coupon", public=True)
class CouponReturned(CouponEvent):
    """The order was given up or refunded; the coupon is back in the wallet 退回.

    It carries `checkout_id`, or the `redemption_id` of a till that took its own mistake back.
    """

    checkout_id: str | None = None
    redemption_id: str | None = None
    order_id: str
    reason: str


@contract("coupon.expiring", owner="coupon", public=True)
class CouponExpiring(CouponEvent):
    """It ends soon and was not used 即将过期: told once, some time before `valid_until`."""

    template_name: str
    valid_until: Instant


@contract("coupon.expired", owner="coupon", public=True)
class CouponExpired(CouponEvent):
    """Its validity is over 过期."""

    reason: str


@contract("coupon.voided", owner="coupon", public=True)
class CouponVoided(CouponEvent):
    """An operator took it back 作废."""

    reason: str


@contract("coupon.issue_refused", owner="coupon")
class CouponIssueRefused(Event):
    """The answer to a request that could not be granted; `code` as in the problem documents (`sold_out`, …)."""

    reference: str
    template_id: str
    customer_id: str
    code: str
    detail: str


@contract("coupon_template.changed", owner="coupon")
class CouponTemplateChanged(Event):
    """A template was created or changed; consumers keep a copy of the newest version."""

    template_id: str
    name_text: str
    status: str
    currency: str
    version_number: int
