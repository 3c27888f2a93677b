"""A small HTTP load client for one machine: many keep-alive connections, each with one request at a time.

Used by the benchmarks against servers that they started themselves on 127.0.0.1; bounded in count. The client shares the
machine with the server, so it does as little as it can: it writes prepared bytes and looks for the end of the answer.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from statistics import median


@dataclass
class Result:
    """What a load saw. Times in seconds."""

    seconds: float
    latencies: list[float] = field(repr=False)
    statuses: Counter[int]

    @property
    def rate(self) -> float:
        return len(self.latencies) / self.seconds

    def percentile(self, share: float) -> float:
        ordered = sorted(self.latencies)
        return ordered[min(len(ordered) - 1, int(len(ordered) * share))]

    def line(self) -> str:
        p50, p99 = self.percentile(0.5) * 1000, self.percentile(0.99) * 1000
        return f"{self.rate:,.0f}/s, p50 {p50:.1f} ms, p99 {p99:.1f} ms, {dict(self.statuses)}"


def request(method: str, path: str, key: str, body: bytes = b"", headers: str = "") -> bytes:
    """One HTTP/1.1 request as bytes."""
    head = (
        f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {key}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n{headers}\r\n"
    )
    return head.encode() + body


class _Connection(asyncio.Protocol):
    def __init__(self, work: Iterator[bytes], result: Result, done: asyncio.Future[None]) -> None:
        self._work = work
        self._result = result
        self._done = done
        self._buffer = b""
        self._started = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._next()

    def _next(self) -> None:
        one = next(self._work, None)
        if one is None:
            self._transport.close()
            if not self._done.done():
                self._done.set_result(None)
            return
        self._started = time.perf_counter()
        self._transport.write(one)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            return
        head = self._buffer[:end].lower()
        at = head.find(b"content-length:")
        length = int(head[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
        if len(self._buffer) < end + 4 + length:
            return
        self._result.latencies.append(time.perf_counter() - self._started)
        self._result.statuses[int(self._buffer[9:12])] += 1
        self._buffer = self._buffer[end + 4 + length :]
        self._next()

    def connection_lost(self, error: Exception | None) -> None:
        if not self._done.done():
            self._done.set_exception(error or ConnectionError("the server closed the connection"))


async def run(port: int, work: list[bytes], connections: int = 64) -> Result:
    """Send all of `work` over `connections` to 127.0.0.1 and answer what was seen."""
    loop = asyncio.get_running_loop()
    result = Result(0.0, [], Counter())
    source = iter(work)
    ends: list[asyncio.Future[None]] = []
    started = time.perf_counter()
    for _ in range(min(connections, len(work))):
        done: asyncio.Future[None] = loop.create_future()
        ends.append(done)

        def connection(done: asyncio.Future[None] = done) -> _Connection:
            return _Connection(source, result, done)

        await loop.create_connection(connection, "127.0.0.1", port)
    await asyncio.gather(*ends)
    result.seconds = time.perf_counter() - started
    return result


def median_of(values: list[float]) -> float:
    return median(values)
