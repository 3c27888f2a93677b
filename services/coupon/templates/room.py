"""The room of offers 券模板."""

from dataclasses import dataclass

from services.coupon.settings import CouponSettings
from services.coupon.templates.api import router
from services.coupon.templates.cache import TermsCache
from services.coupon.templates.management import StackCheck, Templates
from services.coupon.templates.shop_window import ShopWindow
from shared.room import Room
from shared.service import Kit


@dataclass(eq=False)
class TemplatesRoom(Room):
    """Offers the `cache` of terms, and `check_stack` to who creates offers of another kind; it is handed in from pricing."""

    kit: Kit
    settings: CouponSettings
    check_stack: StackCheck

    def __post_init__(self) -> None:
        self.cache = TermsCache()
        self.routers = [router]
        self.provides = [
            Templates(self.kit, self.cache, self.check_stack),
            ShopWindow(self.kit, self.cache, self.settings.time_zone),
        ]
