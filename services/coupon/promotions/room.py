"""The room of automatic promotions 自动促销."""

from services.coupon.promotions.api import router
from services.coupon.promotions.managing import Promotions
from services.coupon.templates.room import TemplatesRoom
from shared.room import Room
from shared.service import Kit


class PromotionsRoom(Room):
    """Offers nothing: promotions are read as offers of their kind."""

    def __init__(self, kit: Kit, templates: TemplatesRoom) -> None:
        self.routers = [router]
        self.provides = [Promotions(kit, templates.book)]
