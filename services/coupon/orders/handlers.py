"""Messages in: what the order system tells drives the same use cases as the HTTP calls.

Messages may come twice and in any order. That an order was completed or refunded says that it was paid, so that is settled
first when the message about it is late. What is against the rules is written down, so that an operator sees why; it would
be against them again at every further try.
"""

from pydantic import ValidationError

from services.coupon.checkout import repository as checkouts
from services.coupon.checkout.completing import Completing
from services.coupon.checkout.models import Checkout
from services.coupon.checkout.settling import Settling
from services.coupon.orders import repository
from services.coupon.refunds.refunding import Refunding
from services.coupon.refunds.schemas import RefundIn
from shared.contracts import Envelope, OrderCancelled, OrderCompleted, OrderPaid, OrderRefunded
from shared.contracts.orders import OrderEvent
from shared.db import Transaction
from shared.ids import new_id
from shared.observability.metrics import MESSAGES_HANDLED
from shared.observability.outages import Seldom
from shared.service import Kit
from shared.web import MERCHANT, Problem
from shared.web.problems import from_validation

CONSUMER = "coupon.orders"
Nothing = tuple[str, str]
"""Why there was nothing to do: code and detail."""


class OrderMessages:
    """Settles, completes and refunds checkouts as the order system says."""

    def __init__(self, kit: Kit, settling: Settling, completing: Completing, refunding: Refunding) -> None:
        self._kit = kit
        self._settling = settling
        self._completing = completing
        self._refunding = refunding
        self._unmatched = Seldom(kit.log)  # all orders of a shop come here, and most have no coupons

    async def on_order(self, tx: Transaction, event: OrderEvent, envelope: Envelope) -> None:
        """Do what the message asks for, and write down what became of it."""
        owner = event.owner_id or MERCHANT
        checkout = await checkouts.lock_newest(tx, owner, event.order_id)
        row = {
            "id": new_id("omg"),
            "message_id": envelope.id,
            "name": event.name,
            "order_id": event.order_id,
            "checkout_id": checkout.id if checkout else None,
            "outcome": "done" if checkout else "unmatched",
            "code": None,
            "detail": None,
            "received_at": self._kit.clock.now(),
        }
        if checkout is None:
            MESSAGES_HANDLED.labels(CONSUMER, "unmatched").inc()
            self._unmatched.info(
                "order message matches no checkout",
                event_name=event.name,
                order_id=event.order_id,
                message_id=envelope.id,
            )
            detail = f"No checkout of the owner {owner} has the order id {event.order_id}."
            await repository.insert_message(tx, row | {"code": "no_checkout", "detail": detail})
            return
        try:
            async with tx.nested():  # a refusal takes back what was begun, and only that
                nothing = await self._act(tx, checkout, event)
        except Problem as refusal:
            row |= {"outcome": "refused", "code": refusal.code, "detail": refusal.detail}
            MESSAGES_HANDLED.labels(CONSUMER, "refused").inc()
            self._kit.log.warning(
                "order message refused", event_name=event.name, checkout=checkout.id, code=refusal.code
            )
        else:
            if nothing is not None:
                row |= {"outcome": "nothing", "code": nothing[0], "detail": nothing[1]}
        await repository.insert_message(tx, row)

    async def _act(self, tx: Transaction, checkout: Checkout, event: OrderEvent) -> Nothing | None:
        actor = event.name
        match event:
            case OrderPaid():
                if checkout.status == "committed":
                    return "already_committed", "The order was paid already."
                await self._settling.commit_held(tx, checkout, actor)
            case OrderCancelled():
                if checkout.status == "committed":
                    return "refund_instead", "The order is paid: what it used comes back with its refund."
                if checkout.status == "rolled_back":
                    return "already_rolled_back", "The order was given up already."
                await self._settling.roll_back_held(tx, checkout, actor)
            case OrderCompleted():
                paid = await self._paid(tx, checkout, actor)
                if not await self._completing.complete_held(tx, paid, actor):
                    return "nothing_promised", "The order has no cash-back that is still to be given."
            case OrderRefunded():
                return await self._refund(tx, await self._paid(tx, checkout, actor), event)
        return None

    async def _paid(self, tx: Transaction, checkout: Checkout, actor: str) -> Checkout:
        """The checkout, committed now if it was not yet."""
        if checkout.status == "committed":
            return checkout
        await self._settling.commit_held(tx, checkout, actor)
        found = await checkouts.find(tx, checkout.id)
        assert found is not None  # noqa: S101 - this transaction holds it
        return found

    async def _refund(self, tx: Transaction, checkout: Checkout, event: OrderRefunded) -> Nothing | None:
        units: dict[str, int] = {}
        for line in event.lines:
            units[line.line_id] = units.get(line.line_id, 0) + line.quantity
        lines = [{"line_id": line_id, "quantity": count} for line_id, count in units.items()]
        body = {"lines": lines or None, "refund_id": event.refund_id, "policy": event.policy}
        try:
            wanted = RefundIn.model_validate(body)
        except ValidationError as error:
            raise from_validation(error.errors(include_url=False, include_input=False), body, in_body=True) from None
        _, known = await self._refunding.refund_held(tx, checkout, wanted, event.name)
        return ("already_refunded", "A refund of this id was made already.") if known else None
