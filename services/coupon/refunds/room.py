"""The room of refunds 退款."""

from services.coupon.cash_back.room import CashBackRoom
from services.coupon.checkout.room import CheckoutRoom
from services.coupon.refunds.api import router
from services.coupon.refunds.refunding import Refunding
from services.coupon.refunds.returning import Returning
from services.coupon.refunds.viewing import Refunds
from services.coupon.templates.room import TemplatesRoom
from shared.room import Room
from shared.service import Kit


class RefundsRoom(Room):
    """Offers `refunding` (the one way to a refund) and `returning` (used coupons back into wallets)."""

    def __init__(self, kit: Kit, templates: TemplatesRoom, checkout: CheckoutRoom, cash_back: CashBackRoom) -> None:
        refunds = Refunds(kit)
        self.returning = Returning(kit, templates.book, checkout.spending)
        self.refunding = Refunding(kit, templates.book, self.returning, cash_back.cutting, refunds)
        self.routers = [router]
        self.provides = [refunds, self.refunding]
