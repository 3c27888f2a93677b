"""Roles 角色: what each kind of operator may do, as scopes. Pure.

Reading is given by name and not by `*`: some reads hand out what is as good as money (unused codes, tokens of QR codes) or open
doors (keys, the log of who did what). A test walks every operation, so a new scope is nobody's but the administrator's
until somebody has thought of whose work it is.
"""

from collections.abc import Mapping
from typing import Literal

RoleName = Literal["viewer", "marketer", "stock_keeper", "developer", "administrator"]

OWN_SCOPES = ("gateway:me:read", "gateway:me:write")
"""Everybody's: their own account. All that a session may do whose holder has yet to set up a second factor."""

_LOOKING = (
    "coupon:abuse:read",
    "coupon:audit:read",
    "coupon:cash-back:read",
    "coupon:checkouts:read",
    "coupon:claim-codes:read",
    "coupon:coupons:read",
    "coupon:draws:read",
    "coupon:issues:read",
    "coupon:order-messages:read",
    "coupon:packs:read",
    "coupon:promotions:read",
    "coupon:redemption-keys:read",
    "coupon:redemptions:read",
    "coupon:refunds:read",
    "coupon:share-offers:read",
    "coupon:shares:read",
    "coupon:templates:read",
    "coupon:tickets:read",
    "gateway:events:read",
    "gateway:usage:read",
    "inventory:*:read",
    "journey:*:read",
    "segments:*:read",
)
_MARKETING = (
    "coupon:abuse:write",
    "coupon:claim-codes:write",
    "coupon:claim-tokens:read",
    "coupon:codes:*",
    "coupon:coupons:write",
    "coupon:draws:write",
    "coupon:issues:write",
    "coupon:packs:write",
    "coupon:promotions:write",
    "coupon:quotes:write",
    "coupon:share-offers:write",
    "coupon:shares:write",
    "coupon:templates:write",
    "coupon:tickets:write",
    "coupon:voids:write",
    "journey:*:write",
    "segments:imports:write",
    "segments:segments:write",
)
_STOCK = ("inventory:*:write",)
_DEVELOPING = (
    *("coupon:*:*", "inventory:*:*", "journey:*:*", "segments:*:*"),
    *("gateway:keys:*", "gateway:sources:*", "gateway:webhooks:*"),
)

ROLES: Mapping[RoleName, tuple[str, ...]] = {
    "viewer": (*OWN_SCOPES, *_LOOKING),
    "marketer": (*OWN_SCOPES, *_LOOKING, *_MARKETING),
    "stock_keeper": (*OWN_SCOPES, *_LOOKING, *_STOCK),
    "developer": (*OWN_SCOPES, *_LOOKING, *_DEVELOPING),
    "administrator": ("*",),
}
FOR_ADMINISTRATORS = frozenset(("gateway:accounts:read", "gateway:accounts:write", "gateway:audit:read"))
"""What no other role has: who may do what, and who did it."""
