"""Attack 9: heads without end. Bytes are counted as they come; no request line or header is gathered beyond its limit."""

import time
import tracemalloc
from typing import Any

import pytest
from kit.rawhttp import HOST, at_the_door, echo, head

MEGABYTE = b"a" * (1 << 20)


@pytest.mark.parametrize(
    ("beginning", "problem"),
    [
        (b"GET /", (414, "target_too_long")),
        (b"GET /?q=", (414, "target_too_long")),
        (b"GET / HTTP/1.1\r\nX-Long: ", (431, "headers_too_large")),
        (b"GET / HTTP/1.1\r\nX-", (431, "headers_too_large")),
        (b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX-Trailer: ", (400, "malformed_http")),
        (b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n1;", (400, "malformed_http")),
    ],
)
async def test_forty_megabytes_cost_neither_memory_nor_time(beginning: bytes, problem: tuple[int, str]) -> None:
    async with at_the_door() as front:
        tracemalloc.start()
        try:
            started = time.process_time()
            line = await front.line()
            await line.send(beginning, *[MEGABYTE] * 40)
            assert (await line.answer()).problem() == problem
            assert tracemalloc.get_traced_memory()[1] < 4 << 20
            assert time.process_time() - started < 2, "it was 3 s for the parser alone"
        finally:
            tracemalloc.stop()


async def test_a_head_in_drops_is_measured_too() -> None:
    async with at_the_door() as front:
        line = await front.line()
        await line.send(b"GET / HTTP/1.1\r\n", *[b"X-Drop: " + b"a" * 990 + b"\r\n"] * 90)
        assert (await line.answer()).problem() == (431, "headers_too_large")


async def test_the_limits_are_where_they_are_said_to_be() -> None:
    async with at_the_door() as front:
        path = "/" + "a" * 8191
        assert (await front.ask(head("GET", path))).echoed[1] == path
        assert (await front.ask(head("GET", path + "a"))).problem() == (414, "target_too_long")
        assert (await front.ask(head("GET", "/", *["X: a"] * 99))).status == 200
        assert (await front.ask(head("GET", "/", *["X: a"] * 100))).problem() == (431, "headers_too_large")
        fits = head("GET", "/", *["X-Thousand: " + "a" * 990] * 32)
        over = head("GET", "/", *["X-Thousand: " + "a" * 990] * 34)
        for size in (100_000, 5_000, 700):
            assert (await front.ask(*_cut(fits, size))).status == 200, size
            assert (await front.ask(*_cut(over, size))).problem() == (431, "headers_too_large"), size


async def test_a_large_body_behind_a_small_head_is_no_large_head() -> None:
    async with at_the_door() as front:
        body = b"x" * 3_000_000
        whole = head("POST", "/up", f"Content-Length: {len(body)}") + body
        assert (await front.ask(whole)).echoed == ["POST", "/up", len(body)]
        chunks = b"".join(b"1\r\nx\r\n" for _ in range(40_000))
        chunked = b"POST /up HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n" + chunks + b"0\r\n\r\n"
        assert (await front.ask(chunked)).echoed == ["POST", "/up", 40_000]


async def test_trailers_are_no_headers() -> None:
    seen: list[tuple[bytes, bytes]] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await echo(scope, receive, send)
        seen.extend(scope["headers"])

    async with at_the_door(app) as front:
        chunked = (
            b"POST / HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\nX-Quanyu-Key: a\r\n\r\n"
        )
        assert (await front.ask(chunked)).echoed == ["POST", "/", 1]
    assert [name for name, _ in seen] == [b"host", b"transfer-encoding"]


def _cut(data: bytes, size: int) -> list[bytes]:
    return [data[at : at + size] for at in range(0, len(data), size)]
