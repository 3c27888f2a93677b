"""Attack 49: what an endpoint may answer. Nothing it sends, or leaves out, keeps an attempt from being recorded."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from api.gateway.receiverkit import COUPON, deliver, deliveries, publish
from hypothesis import example, given
from hypothesis import strategies as st
from kit.gateway import Suite
from kit.upstream import RawServer, read_request

from shared.clock import ManualClock
from shared.webhook_answers import Retries, judge

NOW = datetime(2026, 11, 11, tzinfo=UTC)
FLOOD = b"HTTP/1.1 100 Continue\r\n\r\n" * 4000
ANSWERS = {
    "date out of range": b"HTTP/1.1 503 X\r\nretry-after: Fri, 31 Dec 99999999999 23:59:59 GMT\r\ncontent-length: 0\r\n\r\n",
    "number out of range": b"HTTP/1.1 429 X\r\nretry-after: " + b"9" * 5000 + b"\r\ncontent-length: 0\r\n\r\n",
    "negative": b"HTTP/1.1 429 X\r\nretry-after: -1\r\ncontent-length: 0\r\n\r\n",
    "not a number": b"HTTP/1.1 429 X\r\nretry-after: NaN\r\ncontent-length: 0\r\n\r\n",
    "not ascii": b"HTTP/1.1 429 X\r\nretry-after: \xd9\xa3\xff\xb2\r\ncontent-length: 0\r\n\r\n",
    "status 999": b"HTTP/1.1 999 X\r\ncontent-length: 0\r\n\r\n",
    "status 099": b"HTTP/1.1 099 X\r\ncontent-length: 0\r\n\r\n",
    "status of words": b"HTTP/1.1 abc X\r\ncontent-length: 0\r\n\r\n",
    "switching protocols": b"HTTP/1.1 101 X\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n\x81\x00",
    "continue for ever": FLOOD,
    "a bad header": b"HTTP/1.1 200 X\r\nbad header\x00: \xff\xfe\r\ncontent-length: 0\r\n\r\n",
    "two lengths": b"HTTP/1.1 200 X\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab",
    "a bad chunk": b"HTTP/1.1 200 X\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
    "half a gzip": b"HTTP/1.1 500 X\r\ncontent-encoding: gzip\r\ncontent-length: 3\r\n\r\n\x1f\x8b\x00",
    "a body of nothing readable": b"HTTP/1.1 500 X\r\ncontent-length: 6\r\n\r\n\x00\xff\xed\xa0\x80\x00",
    "a cookie of no sense": b"HTTP/1.1 500 X\r\nset-cookie: \xff=\xff; expires=Thu, 99 Foo 99999\r\ncontent-length: 0\r\n\r\n",
    "a redirect to no name": b"HTTP/1.1 302 X\r\nlocation: https://xn--a/\r\ncontent-length: 0\r\n\r\n",
    "a redirect to nowhere": b"HTTP/1.1 308 X\r\nlocation: https://[oops/\xff\r\ncontent-length: 0\r\n\r\n",
    "no sense at all": b"\x16\x03\x01\x00\x00\xff\r\n\r\n",
    "nothing": b"",
}
days = st.datetimes().map(lambda at: at.strftime("%a, %d %b %Y %H:%M:%S"))
zones = st.from_regex(r" ([+-][0-9]{4,12}|GMT|-0000)", fullmatch=True)


@given(st.one_of(st.text(), st.floats().map(str), st.integers().map(str), st.tuples(days, zones).map("".join)))
@example("Fri, 31 Dec 9999 23:59:59 -2359")
@example("Fri, 31 Dec 99999999999 23:59:59 GMT")
@example("Fri, 31 Dec 2026 23:59:59 +99999999999999")
@example("-3")
def test_a_wait_that_was_asked_for_is_at_most_a_day(retry_after: str) -> None:
    verdict = judge(503, retry_after, done=1, retries=Retries((0, 5, 300), 0), chance=0.5, now=NOW)
    assert verdict.retry_at is not None
    assert timedelta() < verdict.retry_at - NOW <= timedelta(days=1)


def saying(reply: bytes) -> RawServer:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        while reply is FLOOD:
            writer.write(reply)
            await writer.drain()
        writer.write(reply)

    return RawServer(serve)


async def endpoint_of(suite: Suite, url: str) -> dict[str, Any]:
    made = await suite.client().post("/v1/webhook-endpoints", json={"url": url, "events": ["*"]})
    found: dict[str, Any] = made.json()
    return found


async def recorded_failure(suite: Suite, endpoint: dict[str, Any]) -> dict[str, Any]:
    """The one attempt was a failure, and the next one is due by the schedule."""
    (delivery,) = await deliveries(suite, endpoint)
    assert (delivery["status"], delivery["attempts"]) == ("pending", 1)
    assert delivery["next_attempt_at"] > "2026-11-11T02:00:03Z"
    tries = (await suite.client().get(f"/v1/webhook-deliveries/{delivery['id']}")).json()["tries"]
    assert len(tries) == 1
    return delivery


@pytest.mark.parametrize("name", ANSWERS)
async def test_any_answer_is_recorded_as_an_attempt(run_gateway: Any, name: str) -> None:
    suite = await run_gateway(webhooks_out_total_seconds=10)
    server = saying(ANSWERS[name])
    async with server.running(), asyncio.timeout(9):
        endpoint = await endpoint_of(suite, server.url)
        await publish(suite, COUPON)
        await deliver(suite)
        await recorded_failure(suite, endpoint)
        await deliver(suite)
        assert server.connections == 1, "not again before its time"


def _raising(error: Exception) -> Callable[..., Any]:
    async def post(*_: Any, **__: Any) -> Any:
        raise error

    return post


async def test_what_nobody_thought_of_is_a_failed_attempt_too(
    suite: Suite, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = saying(b"HTTP/1.1 204 X\r\n\r\n")
    async with server.running():
        endpoint = await endpoint_of(suite, server.url)
        with monkeypatch.context() as patch:
            patch.setattr("shared.http.EgressClient.post", _raising(ArithmeticError("of the library")))
            await publish(suite, COUPON)
            await deliver(suite)
        delivery = await recorded_failure(suite, endpoint)
        assert "unexpected" in delivery["last_error"]
        clock.advance(seconds=6)
        await deliver(suite)
        (delivery,) = await deliveries(suite, endpoint)
        assert delivery["status"] == "delivered"


async def test_a_judgement_that_fails_is_a_failed_attempt_too(suite: Suite, monkeypatch: pytest.MonkeyPatch) -> None:
    server = saying(b"HTTP/1.1 503 X\r\nretry-after: 5\r\ncontent-length: 0\r\n\r\n")

    def fails(retry_after: str | None, now: datetime) -> timedelta | None:
        if retry_after is not None:
            raise OverflowError("date value out of range")
        return None

    monkeypatch.setattr("shared.webhook_answers._asked_wait", fails)
    async with server.running():
        endpoint = await endpoint_of(suite, server.url)
        await publish(suite, COUPON)
        await deliver(suite)
        await recorded_failure(suite, endpoint)
