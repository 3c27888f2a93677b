"""Everything that a stranger may throw at the gateway."""

import base64
import gzip
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from kit.backends import Backend, MigratedFiles
from kit.gateway import ADMIN_KEY, Suite
from kit.servers import REDIS_URL, require
from kit.upstream import FakePart
from starlette.types import Message

from gateway.forwarding.embedded import AsgiForwarder
from shared.observability.logging import configure_logging

THING = {"kind": "restricted", "scopes": ["coupon:things:*"]}


@pytest.fixture
def backend(tmp_path: Path, _migrated_files: MigratedFiles) -> Backend:
    """The hot path asks the database for keys alone, which the tests of keys do on both; here one is enough."""
    return Backend("sqlite", tmp_path, None, _migrated_files)


class Raw:
    """One request made without a client library, so that nothing is tidied up on the way."""

    def __init__(self, method: str, path: bytes, headers: list[tuple[bytes, bytes]], body: list[bytes]) -> None:
        self.scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": path.decode("latin-1"),
            "raw_path": path,
            "query_string": b"",
            "root_path": "",
            "headers": [(b"authorization", f"Bearer {ADMIN_KEY}".encode()), *headers],
            "client": ("198.51.100.7", 40000),
            "server": ("127.0.0.1", 80),
        }
        self._body = body or [b""]
        self.taken = 0
        self.status = 0
        self.headers: dict[bytes, bytes] = {}
        self.body = b""

    async def receive(self) -> Message:
        self.taken += 1
        if not self._body:
            return {"type": "http.disconnect"}
        chunk = self._body.pop(0)
        return {"type": "http.request", "body": chunk, "more_body": bool(self._body)}

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status, self.headers = message["status"], dict(message["headers"])
        else:
            self.body += message.get("body", b"")


async def raw(
    suite: Suite,
    path: bytes,
    headers: list[tuple[bytes, bytes]] | None = None,
    body: list[bytes] | None = None,
    method: str = "GET",
) -> Raw:
    request = Raw(method, path, headers or [], body or [])
    await suite.gateway.app(request.scope, request.receive, request.send)
    return request


async def test_odd_paths_reach_nobody(suite: Suite) -> None:
    odd = (b"/v1/things/../keys", b"/v1//keys", b"/v1/%2e%2e/keys", b"/v1/things%2f1", b"/v1/%6beys", b"/v1/keys%00")
    for path in (*odd, b"/v1\\keys"):
        answer = await raw(suite, path)
        assert (answer.status, json.loads(answer.body)["code"]) == (400, "odd_path"), path
    assert not suite.parts["coupon"].seen


async def test_the_bytes_that_were_authorised_are_the_bytes_that_are_forwarded(suite: Suite) -> None:
    path = b"/v1/things/%E6%9D%8E%20x"
    assert (await raw(suite, path)).status == 200
    assert suite.parts["coupon"].seen[0]["raw_path"] == path.decode()


async def test_nothing_that_could_pass_for_identity_goes_on(suite: Suite) -> None:
    names = (
        "x-quanyu-key-id",
        "x-quanyu-assertion",
        "x_quanyu_key_id",
        "x-quanyu_scopes",
        "x-forwarded-host",
        "cookie",
    )
    for name in (*names, "proxy-authorization", "te", "upgrade", "expect", "x-real-ip", "forwarded"):
        await raw(suite, b"/v1/things/1", [(name.encode(), b"evil"), (name.encode(), b"twice")])
        assert name not in {header for header, _ in suite.parts["coupon"].seen[-1]["headers"]}


async def test_headers_named_by_connection_stay_here(suite: Suite) -> None:
    await raw(suite, b"/v1/things/1", [(b"connection", b"close, X-Secret"), (b"x-secret", b"1"), (b"x-kept", b"2")])
    names = {header for header, _ in suite.parts["coupon"].seen[0]["headers"]}
    assert "x-kept" in names
    assert not names & {"x-secret", "connection"}


AMBIGUOUS: list[tuple[Any, int, str]] = [
    ([(b"host", b"a"), (b"host", b"b")], 400, "ambiguous_host"),
    ([(b"content-length", b"1"), (b"content-length", b"2")], 400, "ambiguous_length"),
    ([(b"content-length", b"-1")], 400, "ambiguous_length"),
    ([(b"x-api-key", b"qy_live_sk_x")], 400, "two_credentials"),
    ([(b"authorization", b"Basic eA==")], 400, "two_credentials"),
    ([(b"x-a", b"y")] * 101, 431, "headers_too_large"),
    ([(b"x-a", b"y" * 40_000)], 431, "headers_too_large"),
]


async def test_ambiguous_requests_are_refused(suite: Suite) -> None:
    for headers, status, code in AMBIGUOUS:
        answer = await raw(suite, b"/v1/things/1", headers)
        assert (answer.status, json.loads(answer.body)["code"]) == (status, code)
        assert answer.headers[b"content-type"] == b"application/problem+json"
    assert not suite.parts["coupon"].seen


async def test_a_key_in_the_query_is_refused_and_not_repeated(suite: Suite) -> None:
    answer = await suite.client(None).get(f"/v1/things/1?api_key={ADMIN_KEY}")
    assert (answer.status_code, answer.json()["code"]) == (400, "key_in_query")
    assert ADMIN_KEY not in answer.text


async def test_unlisted_is_denied(suite: Suite) -> None:
    client = suite.client()
    for path in ("/v1/nothing", "/v1/things/1/secret", "/admin", "/V1/things/1", "/v1/things/1/"):
        answer = await client.get(path)
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    answer = await client.delete("/v1/things/1")
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET")
    assert not suite.parts["coupon"].seen


async def test_a_literal_path_asks_for_its_own_scope(suite: Suite) -> None:
    key = await suite.key(**THING)
    answer = await suite.client(key).get("/v1/things/special")
    assert answer.status_code == 403
    assert answer.json()["scope"] == "coupon:special:read"
    assert "coupon:special:read" in answer.json()["detail"]


async def test_without_a_key_there_is_nothing(suite: Suite) -> None:
    answer = await suite.client(None).get("/v1/things/1")
    assert (answer.status_code, answer.json()["code"]) == (401, "key_missing")
    assert answer.headers["www-authenticate"].startswith("Bearer")
    assert answer.json()["request_id"] == answer.headers["x-request-id"]
    basic = base64.b64encode(f"{ADMIN_KEY}:".encode()).decode()
    answer = await suite.client(None).get("/v1/things/1", headers={"authorization": f"Basic {basic}"})
    assert answer.status_code == 401, "HTTP Basic is for tracking calls only"


async def test_a_part_that_is_not_there_is_a_503(run_gateway: Any) -> None:
    suite = await run_gateway({"segments": AsgiForwarder(FakePart())})
    answer = await suite.client().get("/v1/things/1")
    assert (answer.status_code, answer.json()["code"]) == (503, "upstream_unavailable")


async def test_the_callers_plain_request_id_is_kept(suite: Suite) -> None:
    answer = await suite.client().get("/v1/things/1", headers={"X-Request-Id": "abc-123_DEF"})
    assert answer.headers["x-request-id"] == "abc-123_DEF"
    assert ("x-request-id", "abc-123_DEF") in suite.parts["coupon"].seen[0]["headers"]
    answer = await suite.client().get("/v1/things/1", headers={"X-Request-Id": "no spaces; or worse"})
    assert answer.headers["x-request-id"].startswith("req_")


# bodies


async def test_bodies_over_the_limit_are_refused_early(suite: Suite) -> None:
    big = b"x" * ((1 << 20) + 1)
    answer = await suite.client().post("/v1/things", content=big)
    assert (answer.status_code, answer.json()["limit"]) == (413, 1 << 20)
    assert not suite.parts["coupon"].seen
    exact = await suite.client().post("/v1/things", content=big[:-1])
    assert exact.json()["bytes"] == 1 << 20
    larger = await suite.client().post("/v1/things/import", content=big)
    assert larger.json()["bytes"] == len(big)


async def test_a_chunked_body_is_cut_at_the_limit(suite: Suite) -> None:
    body = [b"x" * 65536] * 100
    answer = await raw(suite, b"/v1/things", [(b"transfer-encoding", b"chunked")], body, "POST")
    assert answer.status == 413
    assert answer.taken == 17, "no more is read than the limit and one chunk"
    assert not suite.parts["coupon"].seen


async def test_a_chunked_body_that_comes_through_curl_like_clients_is_fine(suite: Suite) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        yield b"a" * 10
        yield b"b" * 20

    answer = await suite.client().post("/v1/things", content=chunks())
    assert answer.json()["bytes"] == 30


# tracking


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
    suite = await run_gateway(cors_origins="https://shop.example, https://m.shop.example")
    for origin, allowed in (("https://m.shop.example", True), ("https://evil.example", False), ("null", False)):
        headers = {"origin": origin, "access-control-request-method": "POST"}
        answer = await suite.client(None).options("/v1/track", headers=headers)
        assert answer.headers.get("access-control-allow-origin") == (origin if allowed else None)


# limits


@pytest.mark.parametrize("shared", [False, True])
async def test_a_keys_limit_spans_its_routes_and_says_what_is_left(run_gateway: Any, shared: bool, clock: Any) -> None:
    if shared:
        require("redis")
    suite = await run_gateway(redis_url=REDIS_URL if shared else None)
    key = await suite.key(**THING, limits={"requests": 3, "window_seconds": 3600})
    client = suite.client(key)
    answers = [
        await client.get("/v1/things/1"),
        await client.post("/v1/things", json={}),
        await client.get("/v1/things/2"),
    ]
    assert [answer.status_code for answer in answers] == [200] * 3
    assert [answer.headers["ratelimit"].split(";")[1] for answer in answers] == ["r=2", "r=1", "r=0"]
    refused = await client.get("/v1/things/3")
    assert (refused.status_code, refused.json()["code"]) == (429, "rate_limited")
    assert refused.json()["violated-policies"] == ["key"]
    assert 1195 <= int(refused.headers["retry-after"]) <= 1200
    assert refused.headers["ratelimit-policy"] == '"key";q=3;w=3600'
    assert len(suite.parts["coupon"].seen) == 3
    if not shared:
        clock.advance(seconds=1200)
        assert (await client.get("/v1/things/3")).status_code == 200


async def test_redis_away_means_limited_locally_and_never_an_error(run_gateway: Any) -> None:
    suite = await run_gateway(redis_url="redis://127.0.0.1:1/0")
    key = await suite.key(**THING, limits={"requests": 2, "window_seconds": 60})
    codes = [(await suite.client(key).get("/v1/things/1")).status_code for _ in range(4)]
    assert codes == [200, 200, 429, 429]


async def test_an_address_with_a_publishable_key_has_a_limit_of_its_own(run_gateway: Any) -> None:
    suite = await run_gateway(requests_per_minute_address=2)
    key = await suite.key(kind="publishable")

    async def codes(address: str) -> list[int]:
        return [(await suite.client(key, address).post("/v1/track", json={})).status_code for _ in range(3)]

    assert await codes("203.0.113.1") == [200, 200, 429]
    assert await codes("203.0.113.2") == [200, 200, 429]
    assert await codes("2001:db8::1") == [200, 200, 429]
    assert await codes("2001:db8::2") == [429] * 3, "one /64 is one bucket"
    assert await codes("2001:db8:0:1::2") == [200, 200, 429]


async def test_a_forged_forwarded_for_changes_no_bucket_but_a_trusted_proxy_is_believed(run_gateway: Any) -> None:
    suite = await run_gateway(requests_per_minute_address=1, trusted_proxies="10.0.0.0/8")
    key = await suite.key(kind="publishable")

    async def code(address: str, forwarded: str) -> int:
        headers = {"x-forwarded-for": forwarded}
        answer = await suite.client(key, address).post("/v1/track", json={}, headers=headers)
        return int(answer.status_code)

    assert [await code("203.0.113.1", f"1.2.3.{n}") for n in range(2)] == [200, 429]
    assert [await code("10.0.0.1", f"9.9.9.{n}, 198.51.100.1") for n in range(2)] == [200, 429]
    assert [await code("10.0.0.1", f"9.9.9.{n}, 198.51.100.2, 10.0.0.2") for n in range(2)] == [200, 429]
    assert suite.parts["segments"].seen[-1]["headers"][-1] == ("x-forwarded-for", "198.51.100.2")


async def test_noise_at_unknown_paths_is_held_back(run_gateway: Any) -> None:
    suite = await run_gateway(failures_per_minute=3)
    codes = [(await suite.client(None).get(f"/wp-login{n}.php")).status_code for n in range(5)]
    assert codes == [404, 404, 404, 429, 429]
    assert (await suite.client(None).get("/healthz")).status_code == 200


# what goes wrong behind the door


async def test_a_part_that_fails_is_a_problem_without_a_word_of_its_reason(run_gateway: Any) -> None:
    async def broken(scope: Any, receive: Any, send: Any) -> None:
        raise RuntimeError("password=hunter2")

    suite = await run_gateway({"coupon": AsgiForwarder(broken)})
    answer = await suite.client().get("/v1/things/1")
    assert (answer.status_code, answer.json()["code"]) == (500, "internal_error")
    assert "hunter2" not in answer.text


async def test_no_secret_reaches_the_log(run_gateway: Any, capsys: pytest.CaptureFixture[str]) -> None:
    suite = await run_gateway(log_format="json", log_level="debug")
    configure_logging("json", "debug")
    try:
        await suite.client().get("/v1/things/1?phone=13812345678", headers={"cookie": "s=canary"})
        await suite.client("qy_live_sk_" + "Q" * 49).get("/v1/things/1")
        await suite.client(None).post("/v1/batch", json={"writeKey": "qy_live_pk_" + "Z" * 49})
        await suite.client().get('/v1/"quoted', headers={"x-request-id": '"},{'})
        suite.gateway.app.access_log.flush()
    finally:
        with capsys.disabled():  # later tests must not log into what this one captured
            configure_logging("json", "warning")
    logged = capsys.readouterr().err
    lines = [json.loads(line) for line in logged.splitlines() if '"event":"request"' in line]
    assert [(line["route"], line["status"], line.get("refused")) for line in lines] == [
        ("/v1/things/{thing_id}", 200, None),
        ("/v1/things/{thing_id}", 401, "key malformed"),
        ("/v1/batch", 401, "key malformed"),
        ("unmatched", 404, "not_found"),
    ]
    assert lines[0]["key_id"] == "key_admin"
    for secret in (ADMIN_KEY[12:-4], "Q" * 20, "Z" * 20, "canary", "13812345678"):
        assert secret not in logged


async def test_metrics_count_by_template_and_are_hidden_in_production(suite: Suite) -> None:
    await suite.client().get("/v1/things/42")
    text = (await suite.client(None).get("/metrics")).text
    assert (
        'quanyu_gateway_request_duration_seconds_count{method="GET",route="/v1/things/{thing_id}",status="200"}' in text
    )
    assert "/v1/things/42" not in text


async def test_metrics_can_be_hidden(run_gateway: Any) -> None:
    suite = await run_gateway(metrics_public=False)
    assert (await suite.client(None).get("/metrics")).status_code == 404
