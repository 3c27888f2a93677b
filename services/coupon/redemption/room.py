"""The room of tills 门店核销."""

from datetime import timedelta

from services.coupon.abuse.room import AbuseRoom
from services.coupon.checkout.room import CheckoutRoom
from services.coupon.pricing.room import PricingRoom
from services.coupon.redemption.api import router
from services.coupon.redemption.booking import Booking
from services.coupon.redemption.pricing import StorePricing
from services.coupon.redemption.reading import Redemptions
from services.coupon.redemption.redeeming import StoreRedeeming
from services.coupon.redemption.reversing import Reversing
from services.coupon.redemption.settling import OfflineSettling
from services.coupon.redemption.showing import Showing
from services.coupon.redemption.signing import Signing
from services.coupon.refunds.room import RefundsRoom
from services.coupon.settings import CouponSettings
from services.coupon.templates.room import TemplatesRoom
from shared.room import Room
from shared.service import Kit, Loop


class RedemptionRoom(Room):
    """Offers nothing: a till uses coupons up, and a day's mistake is taken back here."""

    def __init__(
        self,
        kit: Kit,
        settings: CouponSettings,
        templates: TemplatesRoom,
        pricing: PricingRoom,
        checkout: CheckoutRoom,
        refunds: RefundsRoom,
        abuse: AbuseRoom,
    ) -> None:
        kept = timedelta(days=settings.offline_settle_days)
        signing = Signing(kit, settings.internal_secret.get_secret_value(), kept)
        prices = StorePricing(pricing.quoting, templates.book)
        booking = Booking(kit, checkout.releasing)
        showing = Showing(kit, signing, prices, settings)
        self.routers = [router]
        self.provides = [
            signing,
            showing,
            StoreRedeeming(kit, signing, prices, booking, abuse.guarding),
            Reversing(kit, refunds.returning, settings.time_zone),
            OfflineSettling(kit, signing, booking, abuse.guarding, settings),
            Redemptions(kit),
        ]
        self.loops = [Loop("forget tokens", showing.forget, 60.0)]
