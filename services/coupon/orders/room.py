"""The room of the order system's messages 订单消息."""

from dataclasses import dataclass

from services.coupon.checkout.room import CheckoutRoom
from services.coupon.orders.api import router
from services.coupon.orders.handlers import CONSUMER, OrderMessages
from services.coupon.orders.queries import OrderMessageLog
from services.coupon.orders.worker import Forgetting
from services.coupon.refunds.room import RefundsRoom
from shared.contracts import OrderCancelled, OrderCompleted, OrderPaid, OrderRefunded
from shared.loops import Loop
from shared.messaging import Subscription
from shared.room import Room
from shared.service import Kit


@dataclass(eq=False)
class OrdersRoom(Room):
    """Offers nothing: messages drive the same use cases as calls do."""

    kit: Kit
    checkout: CheckoutRoom
    refunds: RefundsRoom

    def __post_init__(self) -> None:
        messages = OrderMessages(self.kit, self.checkout.settling, self.checkout.completing, self.refunds.refunding)
        heard = (OrderPaid, OrderCancelled, OrderCompleted, OrderRefunded)
        self.routers = [router]
        self.provides = [OrderMessageLog(self.kit)]
        self.loops = [Loop("forget unmatched order messages", Forgetting(self.kit).tick, 3600.0, timed=True)]
        self.subscriptions = [Subscription(CONSUMER, heard, messages.on_order)]
