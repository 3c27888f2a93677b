"""Attack 4 on the wire: bytes that one reader takes for a body and another for a request. Here they are never a request."""

from typing import Any

import pytest
from kit.rawhttp import HOST, at_the_door, echo, head

HIDDEN = b"GET /hidden HTTP/1.1\r\n" + HOST + b"\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n"
LENGTH = b"Content-Length: %d\r\n" % len(HIDDEN)


def post(*headers: bytes, body: bytes = b"0\r\n\r\n" + HIDDEN) -> bytes:
    return b"POST /open HTTP/1.1\r\n" + HOST + b"".join(headers) + b"\r\n" + body


REFUSED = {
    "length and chunks": post(LENGTH, CHUNKED),
    "chunks and length": post(CHUNKED, LENGTH),
    "two lengths": post(b"Content-Length: 0\r\n", LENGTH, body=HIDDEN),
    "a list of lengths": post(b"Content-Length: 0, 44\r\n", body=HIDDEN),
    "a signed length": post(b"Content-Length: +0\r\n", body=HIDDEN),
    "a hexadecimal length": post(b"Content-Length: 0x0\r\n", body=HIDDEN),
    "a length that overflows": post(b"Content-Length: 18446744073709551616\r\n", body=HIDDEN),
    "another coding": post(b"Transfer-Encoding: xchunked\r\n"),
    "identity": post(b"Transfer-Encoding: identity\r\n", body=HIDDEN),
    "chunked, then another": post(b"Transfer-Encoding: chunked, identity\r\n"),
    "space before the colon": post(b"Transfer-Encoding : chunked\r\n"),
    "a control in the coding": post(b"Transfer-Encoding: \x0bchunked\r\n"),
    "a folded header": post(b"X-Fold: a\r\n Transfer-Encoding: chunked\r\n", LENGTH, CHUNKED),
    "a bare line feed before a header": post(b"X-A: b\nTransfer-Encoding: chunked\r\n"),
    "a bare return in a header": post(b"X-A: b\rTransfer-Encoding: chunked\r\n", body=HIDDEN),
    "a header without a colon": post(b"Transfer-Encoding chunked\r\n", body=HIDDEN),
    "a chunk size with a sign": post(CHUNKED, body=b"+0\r\n\r\n" + HIDDEN),
    "a chunk size with a prefix": post(CHUNKED, body=b"0x0\r\n\r\n" + HIDDEN),
    "a chunk size that overflows": post(CHUNKED, body=b"10000000000000000\r\n\r\n" + HIDDEN),
    "a chunk that is longer than it says": post(CHUNKED, body=b"1\r\nab\r\n0\r\n\r\n" + HIDDEN),
    "a chunk that ends in a line feed": post(CHUNKED, body=b"1\r\na\n0\r\n\r\n" + HIDDEN),
    "a chunk size that ends in a line feed": post(CHUNKED, body=b"1\na\r\n0\r\n\r\n" + HIDDEN),
    "a line feed in an extension": post(CHUNKED, body=b"1;\na\r\n0\r\n\r\n" + HIDDEN),
    "no chunk size": post(CHUNKED, body=b"\r\n\r\n" + HIDDEN),
}


@pytest.mark.parametrize("pause", [0, 0.02])
@pytest.mark.parametrize("sent", REFUSED.values(), ids=REFUSED)
async def test_two_readings_are_one_refusal(sent: bytes, pause: float) -> None:
    """In one packet, and cut where the first reading ends."""
    seen = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.append(scope["path"])
        await echo(scope, receive, send)

    async with at_the_door(app) as front:
        cut = sent.index(b"GET /hidden")
        line = await front.line(sent[:cut], sent[cut:], pause=pause)
        assert (await line.answer()).problem() == (400, "malformed_http")
        assert await line.ended() in (b"", b"reset")
    assert "/hidden" not in seen


async def test_a_body_is_a_body_whatever_it_looks_like() -> None:
    async with at_the_door() as front:
        for framed in (post(LENGTH, body=HIDDEN), post(CHUNKED, body=b"%x\r\n%b\r\n0\r\n\r\n" % (len(HIDDEN), HIDDEN))):
            line = await front.line(framed + head("GET", "/next"))
            assert (await line.answer()).echoed == ["POST", "/open", len(HIDDEN)]
            assert (await line.answer()).echoed == ["GET", "/next", 0]


async def test_a_body_that_was_not_read_is_no_request_either() -> None:
    """The answer came early; what is left of the body is thrown away before the next request is looked for."""
    async with at_the_door() as front:
        line = await front.line(head("POST", "/early", f"Content-Length: {len(HIDDEN)}"))
        assert (await line.answer()).status == 401
        await line.send(HIDDEN, head("GET", "/next"))
        assert (await line.answer()).echoed == ["GET", "/next", 0]
