"""Attack 41: five times more is asked than can be done. What can be done is done in time, money first; the others hear at once
that they have to come again.
"""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any, NamedTuple

import pytest
from api.gateway.conftest import RunGateway
from kit.gateway import ADMIN_KEY, Suite
from kit.services import INTERNAL_SECRET
from kit.serving import serving
from kit.upstream import answer
from starlette.types import Message, Receive, Scope, Send

from gateway.forwarding.embedded import AsgiForwarder
from gateway.forwarding.upstreams import http_upstreams
from gateway.settings import GatewaySettings
from shared.clock import ManualClock

pytestmark = pytest.mark.parametrize("backend", ["sqlite"], indirect=True)  # no row decides any of this

AT_ONCE, SECONDS = 4, 0.04
RATE = AT_ONCE / SECONDS
PATIENCE = 3.0
MONEY, SALE, LIST = ("POST", "/v1/checkouts"), ("POST", "/v1/quotes"), ("GET", "/v1/coupon-templates")


class Busy:
    """A part that does so much at once, and nothing faster."""

    def __init__(self) -> None:
        self._free = asyncio.Semaphore(AT_ONCE)
        self.served = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async with self._free:
            await asyncio.sleep(SECONDS)
            self.served += 1
        await answer(send, 200, {})


class Outcome(NamedTuple):
    """Of one call."""

    asked: tuple[str, str]
    status: int
    seconds: float
    headers: dict[bytes, bytes]
    body: bytes


@dataclass
class Crowd:
    """Calls the public door without a client library: that one alone would be the overload."""

    suite: Suite
    part: Busy

    async def ask(self, asked: tuple[str, str]) -> Outcome:
        began = time.perf_counter()
        told: dict[str, Any] = {}
        body = b"{}" if asked[0] == "POST" else b""
        head = [(b"host", b"x"), (b"authorization", f"Bearer {ADMIN_KEY}".encode())]
        head += [(b"content-length", b"%d" % len(body))] if body else []
        scope = {
            "type": "http", "http_version": "1.1", "method": asked[0], "scheme": "http", "path": asked[1], "root_path": "",
            "raw_path": asked[1].encode(), "query_string": b"", "headers": head, "client": ("198.51.100.7", 1), "server": None,
        }  # fmt: skip
        parts = [{"type": "http.request", "body": body, "more_body": False}]

        async def receive() -> Message:
            if parts:
                return parts.pop()
            await asyncio.Event().wait()
            raise AssertionError

        text = bytearray()

        async def send(message: Message) -> None:
            if message["type"] == "http.response.start":
                told.update(status=message["status"], headers=dict(message["headers"]))
            else:
                text.extend(message.get("body", b""))

        await self.suite.gateway.app(scope, receive, send)
        taken = time.perf_counter() - began
        return Outcome(asked, told["status"], taken, told["headers"], bytes(text))

    async def flood(self, times: float, asked: list[tuple[str, str]], seconds: float) -> list[Outcome]:
        """So many times what can be done, in turn of these, whoever is answered."""
        loop, tasks, number = asyncio.get_running_loop(), [], 0
        began = loop.time()
        while (passed := loop.time() - began) < seconds:
            while number < passed * RATE * times:
                tasks.append(asyncio.create_task(self.ask(asked[number % len(asked)])))
                number += 1
            await asyncio.sleep(0.005)
        return await asyncio.gather(*tasks)


@pytest.fixture(params=["embedded", "over_http"])
async def crowd(request: Any, run_gateway: RunGateway, clock: ManualClock) -> AsyncIterator[Crowd]:
    part = Busy()
    async with AsyncExitStack() as stack:
        if request.param == "embedded":
            suite = await run_gateway({"coupon": AsgiForwarder(part)}, access_log=False)
        else:
            url = await stack.enter_async_context(serving(part))
            own = GatewaySettings(coupon_url=url, internal_secret=INTERNAL_SECRET)
            suite = await run_gateway(dict(http_upstreams(own, clock)), access_log=False)
        yield Crowd(suite, part)


async def test_attack_41_what_can_be_done_is_done_in_time(crowd: Crowd) -> None:
    await crowd.flood(2, [SALE], 1)  # as a rush begins; what the part can do becomes known
    before = crowd.part.served
    outcomes = await crowd.flood(5, [SALE], 2.5)
    served = crowd.part.served - before
    good = [one for one in outcomes if one.status == 200 and one.seconds <= PATIENCE]
    assert len(good) >= 0.8 * served, "what the part does is for callers who still wait"
    assert served >= 0.5 * RATE * 2.5, "and it is not left idle (half: the machine of a test does other things too)"
    refused = [one for one in outcomes if one.status != 200]
    assert {one.status for one in refused} == {503}
    assert sorted(one.seconds for one in refused)[len(refused) // 2] < 0.01
    assert refused[0].headers[b"retry-after"] == b"2"
    assert b"http-problem-types#temporary-reduced-capacity" in refused[0].body


async def test_attack_41_money_goes_first(crowd: Crowd) -> None:
    """A tenth of the flood is checkouts, half of what can be done: they are served, and lists are not."""
    asked = [MONEY, *[SALE] * 3, *[LIST] * 6]
    await crowd.flood(2, asked, 1)
    outcomes = await crowd.flood(5, asked, 2)
    told = Counter(one.asked for one in outcomes)
    served = Counter(one.asked for one in outcomes if one.status == 200)
    assert served[MONEY] >= 0.8 * told[MONEY]
    assert served[LIST] <= 0.25 * told[LIST]
    assert (await crowd.suite.client(None).get("/livez")).status_code == 200
