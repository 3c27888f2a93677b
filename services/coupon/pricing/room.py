"""The room of prices: the one way to what a cart costs."""

from services.coupon.abuse.room import AbuseRoom
from services.coupon.codes.room import CodesRoom
from services.coupon.pricing.api import router
from services.coupon.pricing.previewing import Previewing
from services.coupon.pricing.quoting import Quoting
from services.coupon.settings import CouponSettings
from services.coupon.templates.room import TemplatesRoom
from shared.room import Room
from shared.service import Kit


class PricingRoom(Room):
    """Offers `quoting`, by which every order and every till is priced."""

    def __init__(
        self, kit: Kit, settings: CouponSettings, templates: TemplatesRoom, codes: CodesRoom, abuse: AbuseRoom
    ) -> None:
        self.quoting = Quoting(kit, templates.book, codes.resolving, abuse.guarding, settings.time_zone)
        self.routers = [router]
        self.provides = [self.quoting, Previewing(kit, templates.book, self.quoting)]
