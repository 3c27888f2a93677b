"""The room of lucky draws 抽奖."""

from services.coupon.abuse.room import AbuseRoom
from services.coupon.draws.api import router
from services.coupon.draws.drawing import Drawing
from services.coupon.draws.managing import Draws
from services.coupon.draws.proving import Proving
from services.coupon.settings import CouponSettings
from services.coupon.wallet.room import WalletRoom
from shared.room import Room
from shared.service import Kit


class DrawsRoom(Room):
    """Offers nothing: prizes are coupons in wallets, and anybody can check the results."""

    def __init__(self, kit: Kit, settings: CouponSettings, wallet: WalletRoom, abuse: AbuseRoom) -> None:
        drawing = Drawing(kit, wallet.granting, wallet.reading, abuse.watch, settings.time_zone)
        self.routers = [router]
        self.provides = [Draws(kit), drawing, Proving(kit)]
