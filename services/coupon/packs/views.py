"""How stored packs become answers."""

from collections.abc import Mapping

from services.coupon.packs.models import CouponPack, PackClaim
from services.coupon.packs.schemas import PackClaimView, PackItem, PackLimits, PackView
from services.coupon.wallet.schemas import CouponView
from shared.db import as_dict


def pack_view(row: CouponPack) -> PackView:
    """A pack and how many are left."""
    values = as_dict(row)
    values["items"] = tuple(PackItem.model_validate(item) for item in row.items)
    limits = PackLimits(total=row.total, per_customer=row.per_customer)
    return PackView(**values, limits=limits, remaining=None if row.total is None else row.total - row.issued)


def claim_view(row: PackClaim, coupons: Mapping[str, CouponView]) -> PackClaimView:
    """A claim with its coupons, which are among `coupons`."""
    return PackClaimView(**as_dict(row), coupons=[coupons[one] for one in row.coupon_ids])
