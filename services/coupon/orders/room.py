"""The room of the order system's messages 订单消息."""

from services.coupon.cash_back.room import CashBackRoom
from services.coupon.checkout.room import CheckoutRoom
from services.coupon.orders.api import router
from services.coupon.orders.handlers import CONSUMER, OrderMessages
from services.coupon.orders.viewing import OrderMessageLog
from services.coupon.refunds.room import RefundsRoom
from shared.contracts import OrderCancelled, OrderCompleted, OrderPaid, OrderRefunded
from shared.messaging import Subscription
from shared.room import Room
from shared.service import Kit


class OrdersRoom(Room):
    """Offers nothing: messages drive the same use cases as calls do."""

    def __init__(self, kit: Kit, checkout: CheckoutRoom, cash_back: CashBackRoom, refunds: RefundsRoom) -> None:
        messages = OrderMessages(kit, checkout.settling, cash_back.completing, refunds.refunding)
        heard = (OrderPaid, OrderCancelled, OrderCompleted, OrderRefunded)
        self.routers = [router]
        self.provides = [OrderMessageLog(kit)]
        self.subscriptions = [Subscription(CONSUMER, heard, messages.on_order)]
