"""Event streams and long bodies through the gateway: nothing is held back, silence has its own bound, calls go on."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from api.gateway.forwarderkit import OK, Call, before, pool_of, refusal, settled
from kit.upstream import read_request
from starlette.types import Message

from gateway.forwarding import bodies
from gateway.forwarding.http import HttpForwarder

HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\ntransfer-encoding: chunked\r\n\r\n"


class Stream:
    """A part that sends what the test says at /events, and answers everything else at once."""

    def __init__(self) -> None:
        self.say = asyncio.Queue[bytes]()
        self.ended = 0

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            head, _ = await read_request(reader)
            if b" /events" not in head:
                writer.write(OK)
                continue
            writer.write(HEAD)
            gone = asyncio.create_task(reader.read(1))
            while not gone.done():
                said = asyncio.create_task(self.say.get())
                await asyncio.wait({said, gone}, return_when=asyncio.FIRST_COMPLETED)
                if said.done():
                    writer.write(b"%x\r\n%b\r\n" % (len(said.result()), said.result()))
                else:
                    said.cancel()
            self.ended += 1
            return


class Reader(Call):
    """Somebody who reads events: `heard` has one after the other."""

    def __init__(self) -> None:
        super().__init__(path=b"/events")
        self.heard = asyncio.Queue[bytes]()

    async def send(self, message: Message) -> None:
        await super().send(message)
        if message.get("body"):
            self.heard.put_nowait(message["body"])


@asynccontextmanager
async def reading(forwarder: HttpForwarder) -> AsyncIterator[Reader]:
    reader = Reader()
    task = asyncio.create_task(reader.through(forwarder))
    while not reader.status:  # noqa: ASYNC110 - the call has no event for it
        await asyncio.sleep(0.001)
    yield reader
    reader.gone.set()
    await task


async def test_events_come_one_by_one_and_silence_is_no_end() -> None:
    stream = Stream()
    async with before(stream, deadline_seconds=0.1) as (forwarder, _), reading(forwarder) as reader:
        for number in range(3):
            stream.say.put_nowait(b"data: %d\n\n" % number)
            assert await asyncio.wait_for(reader.heard.get(), 5) == b"data: %d\n\n" % number
            await asyncio.sleep(0.15)  # longer than any other answer may be silent
        assert not reader.complete


async def test_a_stream_that_is_silent_for_too_long_is_cut() -> None:
    async with before(Stream(), stream_seconds=0.2) as (forwarder, _):
        reader = await Reader().through(forwarder)
        assert (reader.status, reader.complete) == (200, False)


async def test_streams_take_no_connection_from_calls_and_are_bounded() -> None:
    stream = Stream()
    async with (
        before(stream, most=1, most_streams=3) as (forwarder, _),
        reading(forwarder),
        reading(forwarder),
        reading(forwarder),
    ):
        assert (await Call().through(forwarder)).body == b"ok"
        (instance,) = forwarder.instances
        assert instance.outstanding == 0, "a stream is no work"
        problem = await refusal(Call(path=b"/events"), forwarder)
        assert (problem.status, problem.code) == (503, "upstream_busy")
        assert (await Call().through(forwarder)).body == b"ok"


async def test_a_reader_that_leaves_ends_the_stream_at_the_part() -> None:
    stream = Stream()
    async with before(stream) as (forwarder, _):
        async with reading(forwarder):
            pass
        for _ in range(500):
            if stream.ended:
                break
            await asyncio.sleep(0.01)
        assert stream.ended == 1
        await settled(forwarder)
        assert not pool_of(forwarder)._streams


async def test_a_long_body_that_comes_slowly_meets_no_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    """The deadline is for the answer. It began with the first mebibyte, and cut off large imports on slow lines."""
    monkeypatch.setattr(bodies, "GATHERED", 1)

    async def takes(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            await read_request(reader)
            writer.write(OK)

    async with before(takes, deadline_seconds=0.2) as (forwarder, _):
        began = time.monotonic()
        call = await Call("POST", [b"x"] * 8, pause=0.08).through(forwarder)
        assert (call.status, call.body) == (200, b"ok")
        assert time.monotonic() - began > 0.4
