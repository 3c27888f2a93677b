"""Tracking calls at the door: every manner of giving a write key, and browsers from anywhere."""

import base64
import gzip
import json
from typing import Any

import pytest
from kit.gateway import Suite

pytestmark = pytest.mark.parametrize("backend", ["sqlite"], indirect=True)  # see test_gateway_proxy.py


def basic(text: str) -> dict[str, str]:
    return {"authorization": "Basic " + base64.b64encode(text.encode()).decode()}


async def test_every_manner_of_giving_a_write_key(suite: Suite) -> None:
    key = await suite.key(kind="publishable")
    document = json.dumps({"batch": [{"type": "track"}], "writeKey": key}).encode()
    plain = json.dumps({"batch": []}).encode()
    manners: dict[str, tuple[dict[str, str], bytes]] = {
        "colon": (basic(key + ":"), plain),
        "bare": (basic(key), plain),
        "password": (basic(key + ":whatever"), plain),
        "bearer": ({"authorization": f"Bearer {key}"}, plain),
        "api-key": ({"x-api-key": key}, plain),
        "body": ({"content-type": "application/json"}, document),
        "gzip body": ({"content-encoding": "gzip"}, gzip.compress(document)),
        "text body": ({"content-type": "text/plain"}, document),
    }
    for manner, (headers, body) in manners.items():
        answer = await suite.client(None).post("/v1/batch", content=body, headers=headers)
        assert answer.status_code == 200, (manner, answer.text)
        seen = suite.parts["segments"].seen[-1]
        assert seen["body"] == body, "the body goes on byte for byte"
        assert seen["caller"].kind == "publishable"


BAD_BODIES: list[tuple[bytes, dict[str, str], int]] = [
    (b"{}", {}, 401),
    (b"not json", {}, 401),
    (b"[1]", {}, 401),
    (b'{"writeKey": 7}', {}, 401),
    (b'{"writeKey": "qy_live_pk_wrong"}', {}, 401),
    (b"not gzip", {"content-encoding": "gzip"}, 400),
    (gzip.compress(b"0" * (8 << 20)), {"content-encoding": "gzip"}, 413),
    (b"{}", {"authorization": "Basic ???"}, 401),
    (b"{}", {"authorization": "Digest x"}, 401),
]


async def test_bad_tracking_bodies_are_refused_before_the_part(suite: Suite) -> None:
    for body, headers, status in BAD_BODIES:
        answer = await suite.client(None).post("/v1/batch", content=body, headers=headers)
        assert answer.status_code == status, answer.text
    assert not suite.parts["segments"].seen


async def test_browsers_may_track_from_anywhere_and_do_nothing_else(suite: Suite) -> None:
    preflight = {"origin": "https://shop.example", "access-control-request-method": "POST"}
    answer = await suite.client(None).options("/v1/batch", headers=preflight)
    assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (204, "*")
    assert "authorization" in answer.headers["access-control-allow-headers"]
    assert "access-control-allow-credentials" not in answer.headers
    key = await suite.key(kind="publishable")
    answer = await suite.client(key).post("/v1/track", json={}, headers={"origin": "https://shop.example"})
    assert answer.headers["access-control-allow-origin"] == "*"
    refused = await suite.client(None).post("/v1/track", json={}, headers={"origin": "https://shop.example"})
    assert (refused.status_code, refused.headers["access-control-allow-origin"]) == (401, "*")
    for path in ("/v1/things", "/v1/keys"):
        answer = await suite.client(None).options(path, headers=preflight)
        assert answer.status_code == 405
        assert "access-control-allow-origin" not in answer.headers


async def test_chosen_origins_only(run_gateway: Any) -> None:
    suite = await run_gateway(cors_origins=("https://shop.example", "https://m.shop.example"))
    for origin, allowed in (("https://m.shop.example", True), ("https://evil.example", False), ("null", False)):
        headers = {"origin": origin, "access-control-request-method": "POST"}
        answer = await suite.client(None).options("/v1/track", headers=headers)
        assert answer.headers.get("access-control-allow-origin") == (origin if allowed else None)
        assert answer.headers["vary"] == "origin"
        refused = await suite.client(None).post("/v1/track", json={}, headers={"origin": origin})
        assert refused.headers.get("access-control-allow-origin") == (origin if allowed else None)
        assert refused.headers["vary"] == "origin", "a cache on the way must not hand it to another page"
