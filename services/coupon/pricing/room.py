"""The room of prices: the one way to what a cart costs."""

from dataclasses import dataclass

from services.coupon.abuse.room import AbuseRoom
from services.coupon.audience.room import AudienceRoom
from services.coupon.codes.room import CodesRoom
from services.coupon.pricing import live_offers
from services.coupon.pricing.api import quote_route, router
from services.coupon.pricing.on_offer import OfferReader
from services.coupon.pricing.previewing import Previewing
from services.coupon.pricing.quoting import Quoting
from services.coupon.promotions.room import PromotionsRoom
from services.coupon.settings import CouponSettings
from services.coupon.templates.room import TemplatesRoom
from services.coupon.wallet.room import WalletRoom
from shared.room import Room
from shared.service import Kit


@dataclass(eq=False)
class PricingRoom(Room):
    """Offers `quoting`, by which every order and every till is priced, and `check_stack` for offers at their creation."""

    check_stack = staticmethod(live_offers.check_stack)
    kit: Kit
    settings: CouponSettings
    templates: TemplatesRoom
    promotions: PromotionsRoom
    audience: AudienceRoom
    abuse: AbuseRoom
    wallet: WalletRoom
    codes: CodesRoom

    def __post_init__(self) -> None:
        offers = OfferReader(self.kit, self.templates.cache, self.settings.time_zone)
        self.quoting = Quoting(
            self.kit,
            offers,
            self.audience.queries,
            self.codes.resolving,
            self.abuse.attempts,
            self.settings.time_zone,
        )
        self.routers = [router]
        self.hot_routes = [quote_route(self.quoting)]
        self.provides = [Previewing(self.kit, self.templates.cache, offers, self.quoting)]
        self.resources = [offers.group.running]
