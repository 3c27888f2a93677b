"""Which scope somebody needs to hear of an event: the one that reads the same facts by the API.

Every public event is listed by its own name: one that is added is heard by nobody before somebody has thought of whom it
concerns. A test compares this table with the events, and its scopes with `routes.py`.
"""

from collections.abc import Mapping

EVENT_SCOPES: Mapping[str, str] = {
    "coupon.expired": "coupon:coupons:read",
    "coupon.expiring": "coupon:coupons:read",
    "coupon.issued": "coupon:coupons:read",
    "coupon.locked": "coupon:coupons:read",
    "coupon.redeemed": "coupon:coupons:read",
    "coupon.returned": "coupon:coupons:read",
    "coupon.voided": "coupon:coupons:read",
    "journey.completed": "journey:runs:read",
    "journey.entered": "journey:runs:read",
    "journey.exited": "journey:runs:read",
    "message.failed": "journey:messages:read",
    "message.sent": "journey:messages:read",
    "profile.created": "segments:profiles:read",
    "reservation.confirmed": "inventory:reservations:read",
    "reservation.expired": "inventory:reservations:read",
    "reservation.held": "inventory:reservations:read",
    "reservation.released": "inventory:reservations:read",
    "segment.entered": "segments:segments:read",
    "segment.exited": "segments:segments:read",
    "stock.back_in_stock": "inventory:stock:read",
    "stock.changed": "inventory:stock:read",
    "stock.low": "inventory:stock:read",
    "stock.sold_out": "inventory:stock:read",
    "webhook_endpoint.disabled": "gateway:webhooks:read",
}
