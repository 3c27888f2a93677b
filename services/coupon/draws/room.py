"""The room of lucky draws 抽奖."""

from dataclasses import dataclass

from services.coupon.abuse.room import AbuseRoom
from services.coupon.draws.api import router
from services.coupon.draws.audit import DrawAudit
from services.coupon.draws.drawing import Drawing
from services.coupon.draws.management import Draws
from services.coupon.settings import CouponSettings
from services.coupon.templates.room import TemplatesRoom
from services.coupon.wallet.room import WalletRoom
from shared.room import Room
from shared.service import Kit


@dataclass(eq=False)
class DrawsRoom(Room):
    """Offers nothing: prizes are coupons in wallets, and anybody can check the results."""

    kit: Kit
    settings: CouponSettings
    templates: TemplatesRoom
    abuse: AbuseRoom
    wallet: WalletRoom

    def __post_init__(self) -> None:
        drawing = Drawing(
            self.kit, self.wallet.granting, self.wallet.queries, self.abuse.controls, self.settings.time_zone
        )
        self.routers = [router]
        self.provides = [Draws(self.kit), drawing, DrawAudit(self.kit)]
