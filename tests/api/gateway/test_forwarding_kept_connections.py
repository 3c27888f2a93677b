"""What a kept connection may be used for, and what is sent again when it died."""

import asyncio
import contextlib

import pytest
from api.gateway.forwarderkit import OK, Call, before, refusal, settled
from kit.upstream import Handler, read_request

from shared.web import Problem


def dies_on_second(counts: dict[str, int]) -> Handler:
    """Answers the first request of a connection, reads the second and closes without an answer."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head, _ = await read_request(reader)
        counts[head.split(b" ")[0].decode()] = counts.get(head.split(b" ")[0].decode(), 0) + 1
        writer.write(OK)
        head, _ = await read_request(reader)
        counts[head.split(b" ")[0].decode()] = counts.get(head.split(b" ")[0].decode(), 0) + 1

    return serve


async def test_a_get_on_a_kept_connection_that_died_is_sent_again_once() -> None:
    counts: dict[str, int] = {}
    async with before(dies_on_second(counts)) as (forwarder, server):
        await Call().through(forwarder)
        call = await Call().through(forwarder)
        assert (call.status, call.body) == (200, b"ok")
        assert (counts, server.connections) == ({"GET": 3}, 2)


@pytest.mark.parametrize("method", ["POST", "PATCH"])
async def test_a_sent_post_is_never_sent_again(method: str) -> None:
    counts: dict[str, int] = {}
    async with before(dies_on_second(counts)) as (forwarder, _):
        await Call(method, [b"1"]).through(forwarder)
        problem = await refusal(Call(method, [b"2"]), forwarder)
        assert problem.status == 502
        assert counts == {method: 2}


async def test_a_put_whose_body_is_partly_gone_is_not_sent_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.forwarding.bodies.GATHERED", 0)  # as if the pieces were large
    counts: dict[str, int] = {}
    async with before(dies_on_second(counts)) as (forwarder, _):
        await Call().through(forwarder)
        assert (await refusal(Call("PUT", [b"1", b"2"]), forwarder)).status == 502
        await Call().through(forwarder)
        call = await Call("PUT", [b"12"]).through(forwarder)
        assert (call.status, counts["PUT"]) == (200, 3)


async def test_a_kept_connection_that_the_part_closed_serves_no_post() -> None:
    async def once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(OK)

    async with before(once) as (forwarder, server):
        for _ in range(20):
            call = await Call("POST", [b"1"]).through(forwarder)
            assert call.status == 200
            await asyncio.sleep(0.001)
        assert server.connections == 20


async def test_a_part_in_trouble_does_not_get_much_more_traffic() -> None:
    counts: dict[str, int] = {}
    async with before(dies_on_second(counts), most=1) as (forwarder, _):
        forwarder._retry_credit = 0.0
        sent = 0
        for _ in range(60):
            with contextlib.suppress(Problem):
                await Call().through(forwarder)
            sent += 1
        assert counts["GET"] <= sent * 1.25


async def test_bytes_after_the_end_never_reach_the_next_caller() -> None:
    async def generous(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(OK + b"HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\npoison")
        await read_request(reader)

    async with before(generous) as (forwarder, server):
        for _ in range(5):
            call = await Call("POST", [b"x"]).through(forwarder)  # no retry can hide a spoilt one
            assert (call.status, call.body) == (200, b"ok")
            await asyncio.sleep(0.005)
        assert server.connections == 5


async def test_late_bytes_on_an_idle_connection_close_it() -> None:
    async def late(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(OK)
        await asyncio.sleep(0.02)
        writer.write(OK)
        await asyncio.sleep(60)

    async with before(late) as (forwarder, _):
        await Call().through(forwarder)
        await settled(forwarder)
