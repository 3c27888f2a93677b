"""How stored shares become answers."""

from services.coupon.sharing.models import ShareOffer
from services.coupon.sharing.repository import Figures, OfferedShare
from services.coupon.sharing.rules import ShareStatus
from services.coupon.sharing.schemas import ShareOfferView, ShareView
from shared.db import as_dict


def offer_view(row: ShareOffer, figures: Figures) -> ShareOfferView:
    """An offer and how it goes."""
    return ShareOfferView(**as_dict(row), **figures._asdict())


def share_view(row: OfferedShare, status: ShareStatus, *, whole: bool) -> ShareView:
    """A share; not `whole` for those whom it is shown to by its link."""
    hidden = {} if whole else {"customer_id": None, "reward_coupon_id": None, "reward_refused": None}
    return ShareView(**{**row._asdict(), "status": status, **hidden})
