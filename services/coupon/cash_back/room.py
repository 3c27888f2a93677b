"""The room of cash-back 返现."""

from dataclasses import dataclass

from services.coupon.cash_back.api import router
from services.coupon.cash_back.payout import CashBackPayout
from services.coupon.cash_back.queries import CashBacks
from services.coupon.cash_back.reduction import CashBackReduction
from services.coupon.pricing.room import PricingRoom
from services.coupon.templates.room import TemplatesRoom
from services.coupon.wallet.room import WalletRoom
from shared.room import Room
from shared.service import Kit


@dataclass(eq=False)
class CashBackRoom(Room):
    """Offers `payout` (an order is done: give what it was promised) and `reduction` (goods came back: take off)."""

    kit: Kit
    templates: TemplatesRoom
    wallet: WalletRoom
    pricing: PricingRoom

    def __post_init__(self) -> None:
        self.payout = CashBackPayout(self.kit, self.templates.cache, self.wallet.granting)
        self.reduction = CashBackReduction(self.kit)
        self.routers = [router]
        self.provides = [CashBacks(self.kit)]
