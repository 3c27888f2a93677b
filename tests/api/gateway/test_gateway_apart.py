"""The gateway in front of a part in another server: what crosses the wire is signed, and nothing else is believed."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from kit.gateway import Suite
from kit.servers import free_port
from kit.services import INTERNAL_SECRET
from kit.serving import serving
from kit.upstream import FakePart

from gateway.forwarding.upstreams import http_upstreams
from gateway.settings import GatewaySettings
from shared.clock import ManualClock
from shared.web import Client, client_of
from shared.web.identity import IdentityMiddleware
from shared.webhooks import signed_headers

pytestmark = pytest.mark.parametrize("backend", ["sqlite"], indirect=True)  # see test_gateway_proxy.py


async def apart(run_gateway: Any, clock: ManualClock, url: str, **settings: Any) -> Suite:
    own = GatewaySettings(coupon_url=url, internal_secret=INTERNAL_SECRET, **settings)
    suite: Suite = await run_gateway(http_upstreams(own, clock))
    return suite


async def test_the_part_sees_the_caller_that_the_gateway_proved(run_gateway: Any, clock: ManualClock) -> None:
    part = FakePart()
    async with serving(IdentityMiddleware(part, INTERNAL_SECRET, clock)) as url:
        suite = await apart(run_gateway, clock, url)
        key = await suite.key(kind="restricted", scopes=["coupon:things:*", "segments:*:read"])
        path = "/v1/things/%E6%9D%8E"
        for _ in range(3):
            assert (await suite.client(key).get(path, params={"q": "优惠"})).status_code == 200
        caller = part.seen[-1]["caller"]
        assert (caller.kind, caller.scopes) == ("restricted", ("coupon:things:*", "segments:*:read"))
        assert (part.seen[-1]["raw_path"], part.seen[-1]["query"]) == (path, "q=%E4%BC%98%E6%83%A0")
        stolen = dict(part.seen[-1]["headers"])
        assert "authorization" not in stolen
        async with httpx.AsyncClient(base_url=url) as direct:
            headers = {name: value for name, value in stolen.items() if name.startswith("x-quanyu-")}
            await direct.get(path, headers=headers)
            assert part.seen[-1]["caller"] == caller, "within its half minute, for this path alone"
            await direct.get("/v1/things/other", headers=headers)
            assert part.seen[-1]["caller"] is None
            await direct.post(path, headers=headers)
            assert part.seen[-1]["caller"] is None
            clock.advance(seconds=31)
            await direct.get(path, headers=headers)
            assert part.seen[-1]["caller"] is None


async def test_bodies_and_limits_over_the_wire(run_gateway: Any, clock: ManualClock) -> None:
    part = FakePart()
    async with serving(part) as url:
        suite = await apart(run_gateway, clock, url)

        async def chunks(count: int) -> AsyncIterator[bytes]:
            for _ in range(count):
                yield b"x" * 65536

        whole = await suite.client().post("/v1/things", content=b"y" * (1 << 20))
        streamed = await suite.client().post("/v1/things", content=chunks(10))
        assert (whole.json()["bytes"], streamed.json()["bytes"]) == (1 << 20, 655360)
        over = await suite.client().post("/v1/things", content=chunks(20))
        assert over.status_code == 413
        assert len(part.seen) == 2


async def test_readiness_names_the_part_that_is_down(run_gateway: Any, clock: ManualClock) -> None:
    suite = await apart(run_gateway, clock, f"http://127.0.0.1:{free_port()}")
    ready = await suite.client(None).get("/readyz")
    assert (ready.status_code, ready.json()["status"]) == (200, "degraded")
    assert ready.json()["checks"] == ["coupon: The coupon service does not answer; try again."]
    answer = await suite.client().get("/v1/things/1")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
    assert answer.headers["x-request-id"]


async def test_a_part_that_dies_in_its_answer_cuts_the_callers_connection(run_gateway: Any, clock: ManualClock) -> None:
    async def dying(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"1000")]})
        await send({"type": "http.response.body", "body": b"half", "more_body": True})

    async with serving(dying) as url:
        suite = await apart(run_gateway, clock, url)
        async with serving(suite.gateway.app) as door, httpx.AsyncClient(base_url=door) as client:
            client.headers = suite.client().headers
            with pytest.raises(httpx.RemoteProtocolError):
                await client.get("/v1/things/1")
            assert (await client.get("/healthz")).status_code == 200


async def test_a_staff_key_and_client_facts_cross_the_wire(run_gateway: Any, clock: ManualClock) -> None:
    """The shop of a staff key is signed; the address is the gateway's own word, whatever came in."""
    part = FakePart()
    async with serving(IdentityMiddleware(part, INTERNAL_SECRET, clock)) as url:
        suite = await apart(run_gateway, clock, url)
        key = await suite.key(kind="restricted", scopes=["coupon:things:*"], shop_id="南京路店")
        forged = {
            "x-forwarded-for": "192.0.2.66",
            "x-quanyu-shop-id": "other",
            "x-device-id": "till-7",
            "x-client-address": "203.0.113.77",
        }
        assert (await suite.client(key, "198.51.100.9").get("/v1/things/1", headers=forged)).status_code == 200
        assert part.seen[-1]["caller"].shop_id == "南京路店"
        scope = {
            "headers": [(name.encode(), value.encode("latin-1")) for name, value in part.seen[-1]["headers"]],
            "quanyu.caller": part.seen[-1]["caller"],
        }
        assert client_of(scope) == Client("203.0.113.77", "till-7")
        assert dict(part.seen[-1]["headers"])["x-forwarded-for"] == "198.51.100.9"
        stolen = {name: value for name, value in part.seen[-1]["headers"] if name.startswith("x-quanyu-")}
        async with httpx.AsyncClient(base_url=url) as direct:
            await direct.get("/v1/things/1", headers={**stolen, "x-quanyu-shop-id": "other"})
            assert part.seen[-1]["caller"] is None


async def test_a_partners_delivery_is_taken_while_every_service_is_away(run_gateway: Any, clock: ManualClock) -> None:
    """It goes over the bus: the order system need not wait for the coupon service to come back."""
    suite = await apart(run_gateway, clock, f"http://127.0.0.1:{free_port()}")
    assert (await suite.client().get("/v1/things/1")).status_code == 503
    wanted = {"name": "order system", "scheme": "standard", "maps_to": {"event": "order.*"}}
    source = (await suite.client().post("/v1/webhook-sources", json=wanted)).json()
    body = b'{"type":"order.completed","data":{"order_id":"o1"}}'
    headers = signed_headers([source["secret"]], "msg_1", clock.now(), body)
    async with serving(suite.gateway.app) as door, httpx.AsyncClient(base_url=door) as partner:
        for status in ("accepted", "duplicate"):
            answer = await partner.post(source["url"], content=body, headers=headers)
            assert (answer.status_code, answer.json()) == (202, {"status": status})
    await suite.running.drain()
    assert suite.running.recorder.named("order.completed") == [{"order_id": "o1", "owner_id": "own_merchant"}]
