"""Use cases of the promotions: those of every offer, in their own words."""

from services.coupon.promotions.schemas import PromotionIn, PromotionView
from services.coupon.templates.management import Offers


class Promotions(Offers[PromotionView]):
    """Offers that apply by themselves. No other part keeps a copy of them, so their changes are not told."""

    kind = "promotion"
    prefix = "prm"
    noun = "promotion"
    body = PromotionIn
    view = PromotionView
