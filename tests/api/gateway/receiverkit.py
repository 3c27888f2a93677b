"""A receiver of webhooks, events for it, and the gateway's deliveries to it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from kit.gateway import Suite
from kit.upstream import RawServer, read_request
from pydantic_core import to_json

from shared.contracts import CouponRedeemed, StockSoldOut
from shared.messaging import Pack
from shared.web.schemas import rfc3339

Answering = Callable[[int], bytes]
COUPON = CouponRedeemed(
    coupon_id="cpn_1",
    template_id="tpl_1",
    customer_id="客户1",
    checkout_id="chk_1",
    order_id="o1",
    amount=5000,
    currency="CNY",
)
STOCK = StockSoldOut(sku="s1", available=0)


def answer(status: int, extra: str = "", body: str = "") -> bytes:
    text = body.encode()
    return f"HTTP/1.1 {status} X\r\ncontent-length: {len(text)}\r\n{extra}\r\n".encode() + text


class Receiver:
    """A partner's server. `got` holds (headers, body) of every request; `answers` is asked with their number."""

    def __init__(self, answers: Answering = lambda number: answer(200, body="thanks")) -> None:
        self.got: list[tuple[dict[str, str], bytes]] = []
        self.first = asyncio.Event()
        self.answers = answers
        self.meanwhile: Callable[[], Awaitable[None]] | None = None
        self.server = RawServer(self._serve)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head, body = await read_request(reader)
        lines = head.decode("latin-1").split("\r\n")[1:-2]
        pairs = (line.partition(": ") for line in lines)
        self.got.append(({name.lower(): value for name, _, value in pairs}, body))
        self.first.set()
        if self.meanwhile is not None:
            await self.meanwhile()
        writer.write(self.answers(len(self.got)))
        await writer.drain()

    @property
    def ids(self) -> list[str]:
        return [headers["webhook-id"] for headers, _ in self.got]


@asynccontextmanager
async def receiving(answers: Answering | None = None) -> AsyncIterator[Receiver]:
    receiver = Receiver(answers) if answers else Receiver()
    async with receiver.server.running():
        yield receiver


async def register(suite: Suite, receiver: Receiver, *events: str, key: str | None = None) -> dict[str, Any]:
    client = suite.client(key) if key else suite.client()
    body = {"url": receiver.server.url + "/hooks", "events": list(events) or ["*"]}
    made = await client.post("/v1/webhook-endpoints", json=body)
    assert made.status_code == 201, made.text
    found: dict[str, Any] = made.json()
    return found


async def publish(suite: Suite, *events: Any, ids: list[str] | None = None) -> list[str]:
    """Put events on the bus as a service would, and wait until the gateway has taken them."""
    now = suite.gateway.kit.clock.now()
    ids = ids or [f"evt_{id(event)}_{number}" for number, event in enumerate(events)]
    packs: list[Pack] = []
    for one, event in zip(ids, events, strict=True):
        envelope = {"id": one, "name": event.name, "version": 1, "occurred_at": rfc3339(now), "payload": event}
        packs.append(Pack(f"{one}-{len(packs)}", event.name, to_json([envelope])))
    await suite.running.bus.publish(packs)
    await suite.running.drain()
    return ids


async def coupon_of(suite: Suite, key: str) -> CouponRedeemed:
    """COUPON, on an order of the key's owner."""
    listed = (await suite.client().get("/v1/keys", params={"limit": 100})).json()["data"]
    owners = {one["hint"][-4:]: str(one["owner_id"]) for one in listed}
    return COUPON.model_copy(update={"owner_id": owners[key[-4:]]})


async def deliver(suite: Suite) -> None:
    """Until nothing is due: a new endpoint is called once, and then its other deliveries follow."""
    worker, quiet = suite.gateway.webhooks_out.worker, 0
    while quiet < 2:  # an endpoint that changes lanes may be missed by the look into either
        await worker.tick()
        quiet = 0 if worker.busy else quiet + 1
        await worker.idle()


async def deliveries(suite: Suite, endpoint: dict[str, Any], **filters: Any) -> list[dict[str, Any]]:
    answered = await suite.client().get(f"/v1/webhook-endpoints/{endpoint['id']}/deliveries", params=filters)
    found: list[dict[str, Any]] = answered.json()["data"]
    return found
