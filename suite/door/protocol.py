"""One caller's connection: uvicorn's HTTP/1.1 protocol, with an end to everything that a caller can draw out.

Bytes are counted as they come, before the parser gathers them. What the server refuses by itself is said after the answers
to earlier requests; then what still comes is thrown away for a while, because closing at once would reset the connection
before the caller has read why. `Door.check` looks at every connection once a second.
"""

import asyncio
from types import SimpleNamespace
from typing import Any

import httptools
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from gateway.proxy.headers import MOST_BYTES, MOST_HEADERS, headers_too_large
from shared.web import Problem
from shared.web.asgi import STREAM
from suite.door import limits, refusals
from suite.door.connections import Door
from suite.door.limits import Phase
from suite.door.pace import Pace

_NOTHING, _HEAD, _BODY = range(3)  # what of a request is being read


class DoorProtocol(HttpToolsProtocol):
    """`uvicorn.Config(http=DoorProtocol)`, in a server whose state is a Door."""

    def __init__(
        self,
        config: Config,
        server_state: Door,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self.address = ""
        self.since = 0.0
        self.pace = Pace(server_state.limits)
        self._door = server_state
        self._limits = server_state.limits
        self._reading = _NOTHING
        self._split = False  # the head comes in more than one piece
        self._further = False  # the piece at hand brought the request further
        self._fruitless = 0  # bytes of pieces that did not
        self._running: RequestResponseCycle | None = None
        self._refusal: Problem | None = None  # to be said after the answers to what came before
        self._lingering = False
        self._half_closed: float | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Let it in, or say why not."""
        super().connection_made(transport)
        self.address = self.client[0] if self.client else ""
        self.since = self.loop.time()
        self._way_out = SimpleNamespace(write=transport.write, is_closing=transport.is_closing, close=self._close)
        if refusal := self._door.admit(self):
            self._refuse(refusal)

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell the application, also when the request at work is not the last one that was read."""
        self._door.dismiss(self)
        if self._lingering:
            self._lingering = False
            self._door.lingering -= 1
        self._way_out.close = self.transport.close  # no circle for the garbage collector
        super().connection_lost(exc)
        self.pipeline.clear()
        if self._running is not None:
            self._abandon(self._running)

    def eof_received(self) -> bool:  # type: ignore[override] # True keeps the connection open
        """Who has said all and only listens is answered, if the request is whole; half a request is nothing."""
        if self._lingering or self._reading == _BODY or not self._at_work():
            return False
        self._half_closed = self._half_closed or self.loop.time()
        self.cycle.keep_alive = False
        return True

    def shutdown(self) -> None:
        """The server ends: close as soon as the request at work is answered; an event stream ends in good order."""
        running = self._running
        if running is not None and self._at_work() and running.scope.get(STREAM):
            self.transport.write(b"0\r\n\r\n" if running.chunked_encoding else b"")
            self._abandon(running)  # it would go on for ever; its reader comes again, to another process
        elif not self._lingering:  # what is on its way in on a connection that waits is heard
            seconds = 0 if self._at_work() else limits.LAST_CALL_SECONDS
            self.loop.call_later(seconds, super().shutdown)
            return
        self.transport.close()

    @property
    def phase(self) -> Phase:
        """What it is at."""
        if self._lingering:
            return Phase.LINGERING
        if self._at_work():
            return Phase.BUSY
        return Phase.UNSPOKEN if self.cycle is None or self._reading == _HEAD else Phase.IDLE

    @property
    def waits_for_caller(self) -> bool:
        """A body is on its way in, or an answer on its way out."""
        return self._reading == _BODY or self.pace.untaken > 0

    def hang_up(self, reason: str) -> None:
        """Close at once, without a word."""
        self._door.count_refusal(reason)
        self.transport.abort()  # closing would wait for who does not read

    def _at_work(self) -> bool:
        return self._running is not None and not self._running.response_complete

    # What comes in

    def data_received(self, data: bytes) -> None:
        """Parse piece by piece: the parser gathers a head as long as it may, and never more than a piece unseen."""
        if len(data) <= MOST_BYTES:
            return self._feed(data)
        view = memoryview(data)
        for start in range(0, len(view), MOST_BYTES):
            self._feed(view[start : start + MOST_BYTES])

    def _feed(self, piece: bytes | memoryview) -> None:
        if self._lingering or self._refusal is not None:
            return
        self._split = self._reading == _HEAD
        self._further = False
        try:
            self.parser.feed_data(piece)
        except httptools.HttpParserUpgrade as upgrade:
            return self._ignore_upgrade(bytes(piece[upgrade.args[0] :]))
        except httptools.HttpParserError as error:
            told = error.__context__
            return self._refuse(told if isinstance(told, Problem) else refusals.malformed())
        self._fruitless = 0 if self._further else self._fruitless + len(piece)
        if self._fruitless > MOST_BYTES:
            return self._refuse(headers_too_large() if self._split else refusals.malformed())
        begins = self._further and self._reading == _HEAD and not self._split
        if begins and self.cycle is not None and not self._at_work():
            self.since = self.loop.time()

    def _ignore_upgrade(self, rest: bytes) -> None:
        """Read the request again without its wish for another protocol: the parser would take its body for that one's."""
        method: bytes = self.parser.get_method()
        if method == b"CONNECT":
            return self._refuse(refusals.no_proxy())
        lines = [method + b" " + self.url + b" HTTP/" + self.parser.get_http_version().encode()]
        lines += [name + b": " + value for name, value in self.headers if name != b"upgrade"]
        self.parser = httptools.HttpRequestParser(self)
        self._reading = _NOTHING
        self._feed(b"\r\n".join(lines) + b"\r\n\r\n")
        self._feed(rest)

    def on_message_begin(self) -> None:
        """A request begins."""
        super().on_message_begin()
        self._reading = _HEAD
        self._split = False
        self._further = True

    def on_url(self, url: bytes) -> None:
        """A piece of the target."""
        self.url += url
        if len(self.url) > limits.MOST_TARGET:
            raise refusals.target_too_long()

    def on_headers_complete(self) -> None:
        """The head is whole: a task for the request, or a place in the queue."""
        size = sum(len(text) for pair in self.headers for text in pair) if self._split else 0
        if len(self.headers) > MOST_HEADERS or size > MOST_BYTES:
            raise headers_too_large()
        if self.parser.should_upgrade():
            return  # `_ignore_upgrade` reads it once more
        if wrong := refusals.fault_of(self.url, self.headers, self.parser.get_http_version()):
            raise wrong
        if len(self.pipeline) >= limits.MOST_PIPELINED:
            raise refusals.too_many_pipelined()
        if self.expect_100_continue:
            self.expect_100_continue = self.parser.get_http_version() != "1.0"  # who would take it for the answer
        super().on_headers_complete()
        self.cycle.keep_alive = self.cycle.keep_alive and not self._door.draining
        self.cycle.transport = self._way_out  # type: ignore[assignment]
        self.headers = []  # trailers are nobody's headers
        self._reading = _BODY
        self._further = True

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        self._running = cycle
        self.since = self.loop.time()
        super()._start_asgi_task(cycle, app)

    def on_body(self, body: bytes) -> None:
        """A piece of the body."""
        self._further = True
        self.pace.received += len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        """The request is whole."""
        if self.parser.should_upgrade():
            return
        self._reading = _NOTHING
        if not self.cycle.response_complete:
            self.cycle.more_body = False
            self.cycle.message_event.set()

    def on_response_complete(self) -> None:
        """Go on with the next request, if one waits. No timer is set: the door looks once a second."""
        self.server_state.total_requests += 1
        self.since = self.loop.time()
        self.pace.owes = 0.0
        if self._lingering or self.transport.is_closing():
            return
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())
        elif self._refusal is not None:
            self._say(self._refusal)
        else:
            self.flow.resume_reading()

    # What takes too long

    def check(self, now: float, passed: float, heard_since: float) -> None:
        """End what takes too long; `passed` seconds went by since the last look."""
        phase = self.phase
        waited = now - max(self.since, heard_since)
        if self._half_closed is not None and now - self._half_closed > limits.HALF_CLOSED_SECONDS:
            self.hang_up("half_closed")  # most who close their side have gone away altogether
        elif self.pace.reads_slowly(passed, self.transport):
            self.hang_up("slow_reader")
        elif phase is Phase.BUSY:
            if self.pace.sends_slowly(passed, expected=self._body_expected()):
                self._refuse(refusals.too_slow("body"))
        elif phase is Phase.UNSPOKEN:
            if waited > self._limits.head_seconds:
                if self._reading == _HEAD:
                    self._refuse(refusals.too_slow("head"))
                else:
                    self.hang_up("silent")
        elif waited > (
            self._limits.idle_seconds if phase is Phase.IDLE and self._reading == _NOTHING else limits.LINGER_SECONDS
        ):
            self.transport.close()

    def _body_expected(self) -> bool:
        """Not while the application has enough, nor before it said to go on."""
        return self._reading == _BODY and not self.flow.read_paused and not self.cycle.waiting_for_100_continue

    def resume_writing(self) -> None:
        """The caller takes its answer."""
        self.pace.owes = 0.0
        super().resume_writing()

    # What the server refuses by itself, and how it closes

    def _refuse(self, problem: Problem) -> None:
        self._door.count_refusal(problem.code)
        cycle = self.cycle
        if self._reading == _BODY and self.pipeline:
            self.pipeline.popleft()  # it was not begun yet
        elif self._reading == _BODY:
            answered = cycle.response_started
            self._abandon(cycle)
            return self._close() if answered else self._say(problem)
        if self._at_work():
            self._refusal = problem
        else:
            self._say(problem)

    def _abandon(self, cycle: RequestResponseCycle) -> None:
        """To the application it is as if the caller had gone."""
        if not cycle.response_complete:
            cycle.disconnected = True
        cycle.waiting_for_100_continue = False
        cycle.message_event.set()

    def _say(self, problem: Problem) -> None:
        self.transport.write(refusals.answer(problem, self.server_state.default_headers))
        self._linger()

    def _close(self) -> None:
        """The end of an answer that ends the connection."""
        if self._reading == _NOTHING:
            self.transport.close()
        else:
            self._linger()

    def _linger(self) -> None:
        """Close our side, and hear out for a while who is still sending."""
        if self._lingering or self.transport.is_closing():
            return
        if self._door.lingering >= limits.MOST_LINGERING or self._half_closed is not None:
            return self.transport.close()
        self._lingering = True
        self._door.lingering += 1
        self.since = self.loop.time()
        self.transport.write_eof()
        self.flow.resume_reading()
