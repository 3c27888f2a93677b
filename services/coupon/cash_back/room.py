"""The room of cash-back 返现."""

from services.coupon.cash_back.api import router
from services.coupon.cash_back.completing import Completing
from services.coupon.cash_back.cutting import Cutting
from services.coupon.cash_back.viewing import CashBacks
from services.coupon.templates.room import TemplatesRoom
from services.coupon.wallet.room import WalletRoom
from shared.room import Room
from shared.service import Kit


class CashBackRoom(Room):
    """Offers `completing` (an order is done: give what it was promised) and `cutting` (goods came back: take off)."""

    def __init__(self, kit: Kit, templates: TemplatesRoom, wallet: WalletRoom) -> None:
        self.completing = Completing(kit, templates.book, wallet.granting)
        self.cutting = Cutting(kit)
        self.routers = [router]
        self.provides = [self.completing, CashBacks(kit)]
