"""The room of automatic promotions 自动促销."""

from dataclasses import dataclass

from services.coupon.promotions.api import router
from services.coupon.promotions.management import Promotions
from services.coupon.templates.room import TemplatesRoom
from shared.room import Room
from shared.service import Kit


@dataclass(eq=False)
class PromotionsRoom(Room):
    """Offers nothing: promotions are read as offers of their kind."""

    kit: Kit
    templates: TemplatesRoom

    def __post_init__(self) -> None:
        self.routers = [router]
        self.provides = [Promotions(self.kit, self.templates.cache, self.templates.check_stack)]
