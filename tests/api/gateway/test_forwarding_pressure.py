"""Callers that go away, a queue that is full, and readers and writers that are slower than the other side."""

import asyncio
import contextlib

from api.gateway.forwarderkit import OK, Call, before, pool_of, refusal, settled
from kit.upstream import read_request

from shared.web import Problem


async def test_a_thousand_callers_that_go_away_leave_the_pool_as_it_was() -> None:
    async def slow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            await read_request(reader)
            await asyncio.sleep(0.2)
            writer.write(OK)

    async with before(slow, most=50, most_waiting=2000) as (forwarder, server):

        async def impatient(number: int) -> None:
            call = Call()
            task = asyncio.create_task(call.through(forwarder))
            await asyncio.sleep(0.001 * (number % 40))
            if number % 2:
                call.gone.set()
            else:
                task.cancel()
            with contextlib.suppress(asyncio.CancelledError, Problem):
                await task

        await asyncio.gather(*(impatient(number) for number in range(1000)))
        await settled(forwarder, pool_of(forwarder).idle)
        assert len(pool_of(forwarder)._waiting) == 0
        call = await Call().through(forwarder)
        assert call.body == b"ok"
        for _ in range(3000):
            if server.open == pool_of(forwarder).open:
                break
            await asyncio.sleep(0.01)
        assert server.open == pool_of(forwarder).open <= 50


async def test_a_caller_that_goes_away_closes_the_connection_of_its_request() -> None:
    began, ended = asyncio.Event(), asyncio.Event()

    async def watches(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        began.set()
        assert await reader.read(1) == b""
        ended.set()

    async with before(watches) as (forwarder, _):
        call = Call("POST", [b"x"])
        task = asyncio.create_task(call.through(forwarder))
        await began.wait()
        call.gone.set()
        async with asyncio.timeout(60):
            await ended.wait()
            await task
        assert call.status == 0


async def test_the_queue_is_bounded_and_says_so() -> None:
    gate = asyncio.Event()

    async def gated(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            await read_request(reader)
            await gate.wait()
            writer.write(OK)

    async with before(gated, most=2, most_waiting=3) as (forwarder, server):
        tasks = [asyncio.create_task(Call().through(forwarder)) for _ in range(5)]
        await asyncio.sleep(0.05)
        problem = await refusal(Call(), forwarder)
        assert (problem.status, problem.code) == (503, "upstream_busy")
        gate.set()
        assert [call.body for call in await asyncio.gather(*tasks)] == [b"ok"] * 5
        assert server.connections == 2


async def test_a_slow_reader_holds_the_part_back() -> None:
    written = 0

    async def firehose(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal written
        await read_request(reader)
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % (64 << 20))
        for _ in range(1024):
            writer.write(b"x" * 65536)
            await writer.drain()
            written += 65536

    async with before(firehose) as (forwarder, _):
        call = Call()
        call.read_gate.clear()
        task = asyncio.create_task(call.through(forwarder))
        await asyncio.sleep(0.3)
        assert written < 16 << 20, "the whole body was taken although nobody reads it"
        call.read_gate.set()
        await task
        assert (len(call.body), call.complete) == (64 << 20, True)


async def test_a_slow_part_holds_the_sender_back() -> None:
    gate = asyncio.Event()

    async def slow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        await gate.wait()
        length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
        body = await reader.readexactly(length)
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 8\r\n\r\n%08d" % (len(body) % 10**8))

    async with before(slow) as (forwarder, _):
        call = Call("POST", [b"x" * 65536] * 512)
        task = asyncio.create_task(call.through(forwarder))
        await asyncio.sleep(0.2)
        assert len(call._chunks) > 256, "the whole body was taken although the part does not read"
        gate.set()
        await task
        assert call.body == b"%08d" % (512 * 65536)


async def test_an_answer_before_the_body_was_sent_is_passed_on() -> None:
    async def early(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 413 Content Too Large\r\ncontent-length: 3\r\n\r\nbig")
        await asyncio.sleep(0.2)

    async with before(early) as (forwarder, _):
        call = await Call("POST", [b"x" * 1000] * 1000, pause=0.005).through(forwarder)
        assert (call.status, call.body, call.complete) == (413, b"big", True)
        await settled(forwarder)
