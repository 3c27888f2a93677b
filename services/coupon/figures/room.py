"""The room of figures 活动数据."""

from dataclasses import dataclass

from services.coupon.cash_back.room import CashBackRoom
from services.coupon.checkout.room import CheckoutRoom
from services.coupon.figures.api import router
from services.coupon.figures.queries import OfferFigures
from services.coupon.redemption.room import RedemptionRoom
from services.coupon.refunds.room import RefundsRoom
from services.coupon.templates.room import TemplatesRoom
from services.coupon.wallet.room import WalletRoom
from shared.room import Room
from shared.service import Kit


@dataclass(eq=False)
class FiguresRoom(Room):
    """Offers nothing, and reads the tables of those that it stands on."""

    kit: Kit
    templates: TemplatesRoom
    wallet: WalletRoom
    cash_back: CashBackRoom
    checkout: CheckoutRoom
    refunds: RefundsRoom
    redemption: RedemptionRoom

    def __post_init__(self) -> None:
        self.routers = [router]
        self.provides = [OfferFigures(self.kit)]
