"""What users reported of other senders of webhooks, played against ours. Each test names the reports on GitHub."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from api.gateway.conftest import RunGateway
from api.gateway.receiverkit import COUPON, answer, deliver, deliveries, publish, receiving, register
from hypothesis import given
from hypothesis import strategies as st
from kit.gateway import Suite
from kit.upstream import RawServer, read_request

from shared.clock import ManualClock
from shared.http import EgressClient, EgressRefused
from shared.webhook_answers import Retries, judge

NOW = datetime(2026, 11, 11, tzinfo=UTC)


@pytest.mark.parametrize(
    "target",
    [
        "/a%2Fb/%E4%BC%98?promptToModel=576%3Acompassion&sp=%2Ftriggers%2Fmanual%2Frun",
        "/p?a=b+c&d=%20&e=%25&a=b",
        "/?sig=UejZ_-.~",
        "/..%2f/a;b=c",
    ],
)
async def test_the_url_is_called_as_it_was_given(target: str) -> None:
    """tolgee-platform#3709, hertzbeat#3778: encoded twice, or without its query."""
    lines: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head, _ = await read_request(reader)
        lines.append(head.split(b"\r\n")[0])
        writer.write(answer(204))

    server = RawServer(serve)
    async with server.running(), EgressClient(allow_private=True) as client:
        await client.post(f"{server.url}{target}#fragment", headers={}, content=b"{}")
    assert lines == [f"POST {target} HTTP/1.1".encode()]


async def test_the_length_is_that_of_the_bytes() -> None:
    """hookbuster#7, y-websocket#181: the length of the characters, so that the end is missing."""
    async with receiving() as receiver, EgressClient(allow_private=True) as client:
        body = "优惠券 🙄 é".encode()
        await client.post(receiver.server.url, headers={"content-type": "application/json"}, content=body)
        ((headers, got),) = receiver.got
        assert (got, headers["content-length"]) == (body, str(len(body)))


@pytest.mark.parametrize(
    "reply", [answer(200), answer(204), b"HTTP/1.0 200 OK\r\n\r\n", answer(299, body="\x00🙄\x00")]
)
async def test_any_body_of_a_success_is_a_success(suite: Suite, reply: bytes) -> None:
    """lago-api#245, goflow#1074: an empty body, or one with NULs, made the delivery fail."""
    async with receiving(lambda number: reply) as receiver:
        endpoint = await register(suite, receiver)
        await publish(suite, COUPON)
        await deliver(suite)
        (delivery,) = await deliveries(suite, endpoint)
        assert (delivery["status"], len(receiver.got)) == ("delivered", 1)


@pytest.mark.parametrize("header", ["-1", "-3", "+3", "1.5", "0", "", "soon", "1e9", "NaN", "٣"])
def test_a_wait_of_no_sense_is_the_schedules(header: str) -> None:
    """rpush#737, mastra#23778: raised, or read as a year."""
    verdict = judge(429, header, done=1, retries=Retries((0, 5), 0), chance=0.5, now=NOW)
    assert verdict.retry_at == NOW + timedelta(seconds=5)


@given(st.integers(0, 86400), st.floats(0, 1), st.booleans())
def test_chance_never_undercuts_what_was_asked_for(seconds: int, chance: float, as_date: bool) -> None:
    """svix-webhooks#2200, omnidesk#146: ignored, undercut by jitter, or decades."""
    at = (NOW + timedelta(seconds=seconds)).strftime("%a, %d %b %Y %H:%M:%S GMT")
    verdict = judge(503, at if as_date else str(seconds), done=1, retries=Retries((0, 5), 0.2), chance=chance, now=NOW)
    assert verdict.retry_at is not None
    assert verdict.retry_at >= NOW + timedelta(seconds=seconds)


@pytest.mark.parametrize(
    "found", [["8.8.8.8", "::1"], ["127.0.0.1"], ["::ffff:10.0.0.1"], ["8.8.8.8", "fd00::1"], ["fe80::1%eth0"]]
)
async def test_every_address_of_a_name_is_looked_at(found: list[str]) -> None:
    """VibeNVR#297, MeetOnMemory#427, oneuptime#2578: only IPv4 was asked for, only the name was looked at, nothing unwrapped."""

    async def resolver(host: str, port: int) -> list[str]:
        return found

    async with EgressClient(resolver=resolver) as client:
        with pytest.raises(EgressRefused):
            await client.post("https://127.0.0.1.nip.example/", headers={}, content=b"")


@pytest.mark.parametrize("end", ["disabled", "deleted"])
async def test_a_failing_endpoint_stops_when_it_is_told_to(
    run_gateway: RunGateway, clock: ManualClock, end: str
) -> None:
    """hub#706, keygen-api#139, metabrainz.org#609: retries went on."""
    suite = await run_gateway(webhooks_out_jitter=0)
    async with receiving(lambda number: answer(500)) as receiver:
        endpoint = await register(suite, receiver)
        await publish(suite, COUPON)
        await deliver(suite)
        path = f"/v1/webhook-endpoints/{endpoint['id']}"
        if end == "deleted":
            await suite.client().delete(path)
        else:
            await suite.client().patch(path, json={"enabled": False})
        for _ in range(5):
            clock.advance(timedelta(days=1))
            await deliver(suite)
        assert len(receiver.got) == 1


async def test_no_delivery_is_tried_more_often_than_its_schedule_says(
    run_gateway: RunGateway, clock: ManualClock
) -> None:
    """foundations#4796: nine thousand retries of one delivery."""
    suite: Any = await run_gateway(webhooks_out_schedule_seconds=(0, 1, 1, 1))
    async with receiving(lambda number: answer(503, "retry-after: 0\r\n")) as receiver:
        endpoint = await register(suite, receiver)
        await publish(suite, COUPON)
        for _ in range(20):
            await deliver(suite)
            clock.advance(seconds=2)
        (delivery,) = await deliveries(suite, endpoint)
        assert (delivery["status"], delivery["attempts"], len(receiver.got)) == ("failed", 4, 4)
