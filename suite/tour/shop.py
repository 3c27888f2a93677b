"""What the merchant of the story sells and promises (request bodies with fresh names for each run), and the shopper's app."""

import base64
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from shared.ids import new_id
from suite.client import Client

CURRENCY = "CNY"
SHIPPING_FEE = 1000
DISCOUNT = 5000
STOCK = 20
WAREHOUSES = {"hz": "杭州仓 Hangzhou warehouse", "gz": "广州仓 Guangzhou warehouse"}
EVENTS = ("segment.entered", "coupon.issued", "coupon.redeemed", "reservation.confirmed")
Message = dict[str, Any]
"""`{"type":"identify","userId",…,"traits"}` or `{"type":"track","userId",…,"event","properties"}`."""


@dataclass(frozen=True)
class Item:
    """One product of the cart; `unit_price` in minor units."""

    sku: str
    name: str
    category: str
    unit_price: int
    quantity: int


@dataclass
class Shopper:
    """A customer of the story and what happened to them so far."""

    customer_id: str
    name: str
    city: str
    order_id: str
    coupon: dict[str, Any] = field(default_factory=dict)
    checkout: dict[str, Any] = field(default_factory=dict)
    reservation: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Shop:
    """The bodies of one run; `run` is part of every name, so that runs don't meet."""

    run: str
    timeout: str = "2s"

    @property
    def cart(self) -> tuple[Item, ...]:
        """What every shopper of the story buys."""
        return (
            Item(f"SCARF-{self.run}", "羊绒围巾 cashmere scarf", "accessories", 13_100, 1),
            Item(f"BOOTS-{self.run}", "短靴 ankle boots", "shoes", 26_900, 1),
        )

    @property
    def subtotal(self) -> int:
        """The price of the cart in minor units, before any discount."""
        return sum(item.unit_price * item.quantity for item in self.cart)

    @property
    def total(self) -> int:
        """What is paid, with the coupon."""
        return self.subtotal - DISCOUNT + SHIPPING_FEE

    def location(self, place: str) -> str:
        """The id of a warehouse in this run."""
        return f"{place}-{self.run}"

    def template(self, now: datetime) -> dict[str, Any]:
        """The body of the coupon template."""
        return {
            "name": f"满300减50 · {self.run}",
            "currency": CURRENCY,
            "benefit": {"kind": "amount_off", "amount": DISCOUNT},
            "threshold": {"amount": 30_000},
            "stacking": {"group": "tour"},  # coupons of several tours are not used together
            "validity": {
                "from": (now - timedelta(minutes=5)).isoformat(),
                "until": (now + timedelta(days=7)).isoformat(),
            },
            "limits": {"total": 1000, "per_customer": 1},
        }

    def segment(self) -> dict[str, Any]:
        """The body of the segment: added to the cart, and no order."""
        window = {"last": "30d", "mode": "rolling"}
        return {
            "name": f"加购未下单 · {self.run}",
            "time_zone": "Asia/Shanghai",
            "rule": {
                "all": [
                    {"event": "Product Added", "measure": "count", "op": "gte", "value": 1, "within": window},
                    {
                        "not": {
                            "event": "Order Completed",
                            "measure": "count",
                            "op": "gte",
                            "value": 1,
                            "within": window,
                        }
                    },
                ]
            },
        }

    def message(self) -> dict[str, Any]:
        """The body of the message template."""
        return {
            "name": f"弃购提醒 · {self.run}",
            "channel": "inbox",
            "subject": "{{ customer.name }}，购物车还在等你",
            "body": "送你一张满300减50的优惠券（{{ coupon.code }}），早点回来呀。",
            "locale": "zh-CN",
        }

    def journey(self, template_id: str, segment_id: str, message_id: str) -> dict[str, Any]:
        """The body of the journey that wins a shopper back."""
        return {
            "name": f"弃购挽回 · {self.run}",
            "entry": {
                "kind": "event",
                "event": "Product Added",
                "key": "cart_id",
                "reentry": {"mode": "once_per_key"},
            },
            "exit_on": [{"event": "Order Completed"}],
            "goal": {"event": "Order Completed", "within": "3d"},
            "nodes": {
                "wait": {"kind": "wait_for", "event": "Order Completed", "match_key": True, "timeout": self.timeout},
                "still": {"kind": "branch", "rule": {"segment": segment_id}},
                "coupon": {"kind": "issue_coupon", "template_id": template_id},
                "message": {"kind": "send", "channel": "inbox", "template_id": message_id},
                "end": {"kind": "exit"},
            },
            "edges": [
                ["entry", "wait"],
                ["wait", "timeout", "still"],
                ["wait", "event", "end"],
                ["still", "yes", "coupon"],
                ["still", "no", "end"],
                ["coupon", "message"],
                ["message", "end"],
            ],
        }

    def quote(self, customer_id: str) -> dict[str, Any]:
        """The cart as a quote asks for its price."""
        return {
            "customer_id": customer_id,
            "channel": "app",
            "currency": CURRENCY,
            "shipping_fee": SHIPPING_FEE,
            "coupons": "best",
            "lines": [
                {
                    "line_id": str(number),
                    "product_id": item.sku,
                    "sku": item.sku,
                    "shop_id": "flagship",
                    "category": item.category,
                    "quantity": item.quantity,
                    "unit_price": item.unit_price,
                }
                for number, item in enumerate(self.cart, 1)
            ],
        }

    def reservation(self, order_id: str) -> dict[str, Any]:
        """The cart as stock is reserved for it."""
        lines = [{"sku": item.sku, "quantity": item.quantity} for item in self.cart]
        return {"order_id": order_id, "channel": "app", "lines": lines, "ttl_seconds": 900}

    def viewed(self, customer_id: str, item: Item) -> dict[str, Any]:
        """`Product Viewed`."""
        return self._track(customer_id, "Product Viewed", self._product(item))

    def added(self, customer_id: str, item: Item) -> dict[str, Any]:
        """`Product Added`."""
        return self._track(customer_id, "Product Added", {**self._product(item), "cart_id": f"cart-{customer_id}"})

    def completed(self, customer_id: str, order_id: str) -> dict[str, Any]:
        """`Order Completed`."""
        properties = {
            "order_id": order_id,
            "cart_id": f"cart-{customer_id}",
            "total": self.total / 100,
            "currency": CURRENCY,
            "products": [self._product(item) for item in self.cart],
        }
        return self._track(customer_id, "Order Completed", properties)

    def _product(self, item: Item) -> dict[str, Any]:
        price = item.unit_price / 100  # the SDKs send decimals
        return {"product_id": item.sku, "sku": item.sku, "name": item.name, "price": price, "quantity": item.quantity}

    def _track(self, customer_id: str, event: str, properties: dict[str, Any]) -> dict[str, Any]:
        return {"type": "track", "userId": customer_id, "event": event, "properties": properties}


class Tracker(Protocol):
    """Sends messages and returns when the suite has taken them."""

    async def send(self, *messages: Message) -> None:
        """Send all of them in one call."""


class HttpTracker:
    """Posts to `/v1/batch` with the write key in HTTP Basic, as the server SDKs do."""

    def __init__(self, client: Client, write_key: str) -> None:
        self._client = client
        self._headers = {"authorization": "Basic " + base64.b64encode(f"{write_key}:".encode()).decode()}

    async def send(self, *messages: Message) -> None:
        """One `/v1/batch` with all of them."""
        now = datetime.now(UTC).isoformat()
        batch = [{"timestamp": now, "messageId": new_id("tour"), **message} for message in messages]
        await self._client.post("/v1/batch", {"batch": batch, "sentAt": now}, self._headers)


def tea_offer(run: str, name: str, benefit: dict[str, Any], layer: str) -> dict[str, Any]:
    """An offer of the campaign, on the tea of this run only."""
    return {
        "name": f"{name} · {run}",
        "currency": CURRENCY,
        "benefit": benefit,
        "scope": {"include": {"skus": [f"TEA-{run}"]}},
        "stacking": {"layer": layer},
    }
