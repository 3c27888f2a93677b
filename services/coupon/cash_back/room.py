"""The room of cash-back 返现."""

from dataclasses import dataclass

from services.coupon.cash_back.api import router
from services.coupon.cash_back.cutting import Cutting
from services.coupon.cash_back.giving import CashBackGiving
from services.coupon.cash_back.viewing import CashBacks
from services.coupon.pricing.room import PricingRoom
from services.coupon.templates.room import TemplatesRoom
from services.coupon.wallet.room import WalletRoom
from shared.room import Room
from shared.service import Kit


@dataclass(eq=False)
class CashBackRoom(Room):
    """Offers `giving` (an order is done: give what it was promised) and `cutting` (goods came back: take off)."""

    kit: Kit
    templates: TemplatesRoom
    wallet: WalletRoom
    pricing: PricingRoom

    def __post_init__(self) -> None:
        self.giving = CashBackGiving(self.kit, self.templates.book, self.wallet.granting)
        self.cutting = Cutting(self.kit)
        self.routers = [router]
        self.provides = [CashBacks(self.kit)]
