"""How stored codes become answers."""

from services.coupon.codes.models import CodeBatch, PublicCode
from services.coupon.codes.schemas import BatchView, PublicCodeView, PublicLimits
from shared.db import as_dict


def batch_view(row: CodeBatch, redeemed: int) -> BatchView:
    """A batch and how many of its codes turned into coupons."""
    return BatchView(**as_dict(row), count=row.total, redeemed=redeemed)


def public_view(row: PublicCode) -> PublicCodeView:
    """A public code and how often it was used."""
    return PublicCodeView(**as_dict(row), limits=PublicLimits(total=row.total, per_customer=row.per_customer))
