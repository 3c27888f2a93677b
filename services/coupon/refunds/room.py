"""The room of refunds 退款."""

from dataclasses import dataclass

from services.coupon.cash_back.room import CashBackRoom
from services.coupon.checkout.room import CheckoutRoom
from services.coupon.pricing.room import PricingRoom
from services.coupon.refunds.api import router
from services.coupon.refunds.queries import Refunds
from services.coupon.refunds.refunding import Refunding
from services.coupon.refunds.returning import Returning
from services.coupon.templates.room import TemplatesRoom
from services.coupon.wallet.room import WalletRoom
from shared.room import Room
from shared.service import Kit


@dataclass(eq=False)
class RefundsRoom(Room):
    """Offers `refunding` (the one way to a refund) and `returning` (used coupons back into wallets)."""

    kit: Kit
    templates: TemplatesRoom
    wallet: WalletRoom
    pricing: PricingRoom
    cash_back: CashBackRoom
    checkout: CheckoutRoom

    def __post_init__(self) -> None:
        refunds = Refunds(self.kit)
        self.returning = Returning(
            self.kit, self.templates.cache, self.checkout.promotion_usage, self.cash_back.reduction
        )
        self.refunding = Refunding(self.kit, self.templates.cache, self.returning, self.cash_back.reduction, refunds)
        self.routers = [router]
        self.provides = [refunds, self.refunding]
