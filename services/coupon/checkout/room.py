"""The room of orders' holds on coupons and promotions 锁券."""

from services.coupon.abuse.room import AbuseRoom
from services.coupon.checkout.api import router
from services.coupon.checkout.locking import Locking
from services.coupon.checkout.releasing import Releasing
from services.coupon.checkout.relocking import Relocking
from services.coupon.checkout.settling import Settling
from services.coupon.checkout.spending import Spending
from services.coupon.checkout.viewing import Checkouts
from services.coupon.codes.room import CodesRoom
from services.coupon.pricing.room import PricingRoom
from services.coupon.settings import CouponSettings
from services.coupon.templates.room import TemplatesRoom
from shared.room import Room
from shared.service import Kit, Loop


class CheckoutRoom(Room):
    """Offers `settling` (commit, rollback), `releasing` (the end of locks) and `spending` (what promotions count)."""

    def __init__(
        self,
        kit: Kit,
        settings: CouponSettings,
        templates: TemplatesRoom,
        pricing: PricingRoom,
        codes: CodesRoom,
        abuse: AbuseRoom,
    ) -> None:
        checkouts = Checkouts(kit)
        self.spending = Spending(kit, templates.book, settings.time_zone)
        self.releasing = Releasing(kit, self.spending, settings.sweep_batch_size)
        self.settling = Settling(kit, self.spending, Relocking(kit, self.spending), self.releasing, checkouts)
        locking = Locking(
            kit, pricing.quoting, codes.resolving, abuse.guarding, self.spending, self.releasing, checkouts
        )
        self.routers = [router]
        self.provides = [checkouts, locking, self.settling]
        self.loops = [Loop("expire locks", self.releasing.expire_due, settings.sweep_seconds)]
