"""Everything that a stranger may throw at the gateway."""

import base64
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from api.gateway.keykit import THING
from kit.gateway import ADMIN_KEY, Suite
from kit.upstream import FakePart
from starlette.types import Message

from gateway.forwarding.embedded import AsgiForwarder

# The hot path asks the database for keys alone, which the tests of keys do on both; here one is enough.
pytestmark = pytest.mark.parametrize("backend", ["sqlite"], indirect=True)


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
    ([(b"if-match", b"*")], 412, "precondition_failed"),
    ([(b"if-unmodified-since", b"x")], 412, "precondition_failed"),
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
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD")
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


async def test_a_part_that_fails_is_a_problem_without_a_word_of_its_reason(run_gateway: Any) -> None:
    async def broken(scope: Any, receive: Any, send: Any) -> None:
        raise RuntimeError("password=hunter2")

    suite = await run_gateway({"coupon": AsgiForwarder(broken)})
    answer = await suite.client().get("/v1/things/1")
    assert (answer.status_code, answer.json()["code"]) == (500, "internal_error")
    assert "hunter2" not in answer.text
