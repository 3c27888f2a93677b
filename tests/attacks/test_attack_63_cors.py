"""Attack 63: pages of other origins. They may call what a publishable key may, never with cookies, and nothing else."""

import pytest
from kit.gateway import Suite

from gateway.keys.rules import PUBLISHABLE_SCOPES
from gateway.routes import ROUTES

pytestmark = pytest.mark.parametrize("backend", ["sqlite"], indirect=True)  # no row decides any of this

ORIGIN = {"origin": "https://shop.example"}
OPEN = sorted({route.template for route in ROUTES if route.scope in PUBLISHABLE_SCOPES})
CLOSED = sorted({route.template for route in ROUTES} - set(OPEN))


def asking(method: str, headers: str = "authorization") -> dict[str, str]:
    return ORIGIN | {"access-control-request-method": method, "access-control-request-headers": headers}


async def test_a_preflight_needs_no_key_and_knows_what_pages_may_send(door: Suite) -> None:
    for template in OPEN:
        methods = {route.method for route in ROUTES if route.template == template and route.scope in PUBLISHABLE_SCOPES}
        answer = await door.client(None).options(template.replace("{template_id}", "tpl_1"), headers=asking("POST"))
        assert (answer.status_code, answer.content) == (204, b""), template
        assert answer.headers["access-control-allow-origin"] == "*"
        assert set(answer.headers["access-control-allow-methods"].split(", ")) == methods
        sent = set(answer.headers["access-control-allow-headers"].split(", "))
        assert sent >= {"authorization", "content-type", "x-api-key", "idempotency-key", "x-device-id"}
        assert "access-control-allow-credentials" not in answer.headers


async def test_no_preflight_opens_what_only_secret_keys_may_call(door: Suite) -> None:
    client = door.client(None)
    for number, template in enumerate(CLOSED):
        client = door.client(None, f"198.51.{number // 200}.{number % 200}")
        answer = await client.options(template.replace("{", "").replace("}", ""), headers=asking("GET"))
        assert answer.status_code in (404, 405), template
        assert not [name for name in answer.headers if name.startswith("access-control-")], template


async def test_a_page_can_read_every_answer_refusals_too(door: Suite) -> None:
    key = await door.key(kind="publishable", scopes=sorted(PUBLISHABLE_SCOPES))
    only_events = await door.key(kind="publishable")
    answers = {
        200: await door.client(key).get("/v1/availability?sku=s1", headers=ORIGIN),
        401: await door.client(None).get("/v1/coupon-templates", headers=ORIGIN),
        403: await door.client(only_events).get("/v1/coupon-templates", headers=ORIGIN),
        404: await door.client(key).get("/v1/coupon-templates/tpl_unknown", headers=ORIGIN),
        413: await door.client(key).post("/v1/track", content=b"x" * (2 << 20), headers=ORIGIN),
        422: await door.client(key).get("/v1/availability", headers=ORIGIN),
    }
    for status, answer in answers.items():
        assert answer.status_code == status, answer.text
        assert answer.headers["access-control-allow-origin"] == "*", status
        readable = answer.headers["access-control-expose-headers"].split(", ")
        assert {"x-request-id", "ratelimit", "ratelimit-policy", "retry-after"} <= set(readable)
        assert "access-control-allow-credentials" not in answer.headers


async def test_a_limited_page_reads_when_to_come_again(door: Suite) -> None:
    key = await door.key(kind="publishable", limits={"requests": 1, "window_seconds": 60})
    await door.client(key).post("/v1/track", json={}, headers=ORIGIN)
    refused = await door.client(key).post("/v1/track", json={}, headers=ORIGIN)
    assert (refused.status_code, refused.headers["access-control-allow-origin"]) == (429, "*")
    assert int(refused.headers["retry-after"]) > 0


async def test_a_secret_route_tells_browsers_nothing(door: Suite) -> None:
    for path in ("/v1/keys", "/v1/coupons", "/v1/stock", "/openapi.json", "/healthz"):
        answer = await door.client().get(path, headers=ORIGIN)
        assert answer.status_code == 200
        assert not [name for name in answer.headers if name.startswith("access-control-")], path
