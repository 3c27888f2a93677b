"""A part that falls silent somewhere on the way of a request: the caller is told within the deadline, and no slot is lost."""

import asyncio
import time
from collections.abc import AsyncIterator

import pytest
from api.gateway.forwarderkit import OK, Call, before, pool_of, refusal, settled, sign
from kit.proxy import TcpProxy
from kit.upstream import Handler, RawServer, read_request

from gateway.forwarding.http import HttpForwarder
from gateway.forwarding.pool import Bounds
from shared.web import Problem

DEADLINE, MOST = 0.4, 3
_IN_TIME = DEADLINE + 3  # two slow cores
_LARGE = [b"x" * 1_000_000] * 20
"""More than what the buffers of two sockets take."""


async def reads_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.transport.pause_reading()  # type: ignore[attr-defined]
    await asyncio.sleep(60)


async def stops_in_the_body(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    await reader.readexactly(100_000)
    writer.transport.pause_reading()  # type: ignore[attr-defined]
    await asyncio.sleep(60)


async def says_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await read_request(reader)
    await asyncio.sleep(60)


async def sends_half_a_head(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await read_request(reader)
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-le")
    await asyncio.sleep(60)


async def only_says_to_go_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await read_request(reader)
    while True:
        writer.write(b"HTTP/1.1 102 Processing\r\n\r\n")
        await asyncio.sleep(0.1)


async def sends_a_head_byte_by_byte(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await read_request(reader)
    writer.write(b"HTTP/1.1 200 OK\r\nx-slow: ")
    while True:
        writer.write(b"x")
        await asyncio.sleep(0.1)


async def dies_in_the_head(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await read_request(reader)
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-le")


async def _all_refused(forwarder: HttpForwarder, chunks: list[bytes]) -> list[Problem]:
    async def one() -> Problem:
        started = time.monotonic()
        problem = await refusal(Call("POST", chunks or [b"{}"]), forwarder)
        assert time.monotonic() - started < _IN_TIME
        return problem

    return await asyncio.gather(*(one() for _ in range(MOST)))


@pytest.mark.parametrize(
    ("part", "body", "status"),
    [
        (says_nothing, [], 504),
        (reads_nothing, _LARGE, 504),
        (stops_in_the_body, _LARGE, 504),
        (sends_half_a_head, [], 504),
        (only_says_to_go_on, [], 504),
        (sends_a_head_byte_by_byte, [], 504),
        (dies_in_the_head, [], 502),
    ],
)
async def test_a_silence_is_told_in_time_and_every_slot_comes_back(
    part: Handler, body: list[bytes], status: int
) -> None:
    async with before(part, deadline_seconds=DEADLINE, most=MOST) as (forwarder, _):
        problems = await _all_refused(forwarder, body)
        assert {(one.status, one.code) for one in problems} == {
            (status, "upstream_timeout" if status == 504 else "upstream_failed")
        }
        async with asyncio.timeout(5):
            await settled(forwarder)
        assert pool_of(forwarder).idle == 0, "nobody gets what comes too late"


@pytest.fixture
async def part_behind_a_proxy() -> AsyncIterator[tuple[TcpProxy, RawServer]]:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            await read_request(reader)
            writer.write(OK)

    server = RawServer(serve)
    async with server.running():
        proxy = TcpProxy("127.0.0.1", server.port)
        await proxy.start()
        yield proxy, server
        await proxy.cut()


async def test_kept_connections_that_a_firewall_forgot_are_replaced(
    part_behind_a_proxy: tuple[TcpProxy, RawServer],
) -> None:
    """Each may cost the one call that finds it; after them all is well, and no slot is lost."""
    proxy, _ = part_behind_a_proxy
    forwarder = HttpForwarder(
        "coupon", [f"http://127.0.0.1:{proxy.port}"], sign, Bounds(deadline_seconds=DEADLINE, most=MOST)
    )
    try:
        await asyncio.gather(*(Call().through(forwarder) for _ in range(MOST)))
        kept = pool_of(forwarder).idle
        assert kept
        proxy.fall_silent(new=False)
        found = await asyncio.gather(
            *(Call("POST", [b"{}"]).through(forwarder) for _ in range(kept)), return_exceptions=True
        )
        assert all(isinstance(one, Problem) and one.status == 504 for one in found), found
        calls = await asyncio.gather(*(Call("POST", [b"{}"]).through(forwarder) for _ in range(MOST)))
        assert {call.status for call in calls} == {200}
    finally:
        await forwarder.aclose()
