"""One request to a part in another process, and its answer: large bodies and all answers are streamed, under a deadline."""

import asyncio
from typing import Any, Protocol

from starlette.types import Receive, Send

from gateway.forwarding.bodies import gathered
from gateway.forwarding.connection import Connection, UpstreamBroken
from gateway.forwarding.instance import Instance, Visit
from gateway.forwarding.instances import Instances
from gateway.forwarding.pool import UpstreamDown
from gateway.forwarding.port import Forwarded, Headers
from shared.web.asgi import ClientGone, is_stream

_IDEMPOTENT = frozenset(("GET", "HEAD", "OPTIONS", "PUT", "DELETE"))
_HOP_BY_HOP = frozenset(
    (b"connection", b"keep-alive", b"transfer-encoding", b"te", b"trailer", b"upgrade", b"proxy-authenticate")
)
_OURS = frozenset((b"date", b"server", b"x-request-id"))
_OF_WHAT_STANDS_BETWEEN = (502, 504)
"""Answers of a proxy that did not reach the service, which itself gives none of them."""
_Message = Any


class Distrusted(Exception):
    """A part does not know who we are: no service of ours answers 401 to a request that it believes."""


class _Harmless(UpstreamBroken):
    """No answer, and to send the request again does nothing twice. `reused`: on a connection that had been kept open."""

    def __init__(self, reason: str, *, reused: bool) -> None:
        super().__init__(reason)
        self.reused = reused


class Sender(Protocol):
    """Who sends: the instances, the deadline, and how many requests may be sent again."""

    instances: Instances
    deadline: float
    stream_seconds: float

    def head(self, request: Forwarded, instance: Instance) -> bytes:
        """The request line and headers as bytes."""

    def may_retry(self) -> bool:
        """Take one retry, if there is any."""

    def earn_retry(self) -> None:
        """A request was made."""


class Carrier:
    """One request and its answer.

    Nothing was written where no connection could be made: any request may then go to another instance. Otherwise it is sent
    again once, when not one byte of an answer came, and either the method is idempotent and the body is still at hand, or not
    one byte had been written; on the same instance only when the connection was one that had been kept open.
    """

    def __init__(self, sender: Sender, request: Forwarded, receive: Receive, send: Send) -> None:
        self._sender = sender
        self._request = request
        self._receive = receive
        self._send = send
        self._chunked = request.has_body and not any(name == b"content-length" for name, _ in request.headers)
        self._pump: asyncio.Task[None] | None = None
        self._limit: asyncio.Timeout | None = None

    async def run(self) -> None:
        """Raises what happened while no answer had begun."""
        first = await gathered(self._receive) if self._request.has_body else {"type": "http.request"}
        if first["type"] == "http.disconnect":
            return
        self._sender.earn_retry()
        visit, connection = await self._ask(first)
        try:
            if connection.status == 401 and self._request.caller is not None:
                raise Distrusted
            seconds = self._sender.deadline
            if is_stream(connection.headers):
                visit.instance.pool.set_apart(connection)
                visit.leave()
                seconds = self._sender.stream_seconds
            await self._answer(connection, seconds)
        finally:
            visit.instance.pool.release(connection)
            visit.leave()

    async def _ask(self, first: _Message) -> tuple[Visit, Connection]:
        """Send the request and wait for the head of the answer, a second time if that is harmless."""
        instances = self._sender.instances
        instance, fresh, retried = instances.choose(), False, False
        tried = [instance]
        while True:
            visit = instance.enter()
            try:
                with visit.left_on_failure():
                    return visit, await self._once(visit, first, fresh=fresh)
            except (UpstreamDown, _Harmless) as error:
                other = instances.other(tried)
                if isinstance(error, UpstreamDown):
                    if other is None:
                        raise
                elif retried or not (error.reused or other) or not self._sender.may_retry():
                    raise
                else:
                    fresh = retried = True
                instance = other or instance
                tried.append(instance)

    async def _once(self, visit: Visit, first: _Message, *, fresh: bool) -> Connection:
        head, pool = self._sender.head(self._request, visit.instance), visit.instance.pool
        try:
            connection, reused = await pool.acquire(fresh=fresh)
        except UpstreamDown:
            visit.failed(unreachable=True)
            raise
        try:
            async with asyncio.timeout(self._sender.deadline) as self._limit:
                connection.begin(self._request.method)
                connection.write(head + self._framed(first))
                connection.sent_all = not first.get("more_body", False)
                self._pump = asyncio.create_task(self._upload(connection))
                await connection.head()
        except BaseException as error:
            await self._stop_pump()
            pool.release(connection)
            if isinstance(error, TimeoutError) or (isinstance(error, UpstreamBroken) and not reused):
                visit.failed()  # a connection that was kept may have been closed in good order
            if isinstance(error, UpstreamBroken) and self._harmless(connection, first):
                raise _Harmless(str(error), reused=reused) from error
            raise
        visit.failed() if connection.status in _OF_WHAT_STANDS_BETWEEN else visit.answered()
        return connection

    def _harmless(self, connection: Connection, first: _Message) -> bool:
        """True when the request can be sent once more without being done twice."""
        at_hand = self._request.method in _IDEMPOTENT and not first.get("more_body", False)
        return not connection.received_any and (at_hand or not connection.wrote_any)

    def _framed(self, message: _Message) -> bytes:
        body: bytes = message.get("body", b"")
        if not self._chunked:
            return body
        data = b"%x\r\n%b\r\n" % (len(body), body) if body else b""
        return data if message.get("more_body", False) else data + b"0\r\n\r\n"

    async def _upload(self, connection: Connection) -> None:
        """Send the rest of the body, then watch whether the caller goes away."""
        try:
            while not connection.sent_all:
                await connection.drain()
                message = await self._receive()
                if message["type"] == "http.disconnect":
                    return connection.fail(ClientGone())
                connection.write(self._framed(message))
                self._postpone()
                connection.sent_all = not message.get("more_body", False)
            while (await self._receive())["type"] != "http.disconnect":
                pass  # nothing else can come after the body
            connection.fail(ClientGone())
        except UpstreamBroken as error:
            connection.fail(error)

    def _postpone(self) -> None:
        """The deadline is for the answer: as long as the body comes (the server sees to it that it does) it has not begun."""
        if self._limit is not None and not self._limit.expired():
            self._limit.reschedule(asyncio.get_running_loop().time() + self._sender.deadline)

    async def _stop_pump(self) -> None:
        pump, self._pump = self._pump, None
        if pump is not None:
            pump.cancel()
            await asyncio.gather(pump, return_exceptions=True)

    async def _answer(self, connection: Connection, seconds: float) -> None:
        try:
            await self._send(
                {
                    "type": "http.response.start",
                    "status": connection.status,
                    "headers": _forwardable(connection.headers),
                }
            )
            while True:
                async with asyncio.timeout(seconds):
                    data = await connection.chunk()
                ended = data is None or connection.ended
                if ended:
                    await self._stop_pump()
                await self._send({"type": "http.response.body", "body": data or b"", "more_body": not ended})
                if ended:
                    return
        except (UpstreamBroken, TimeoutError, ClientGone) as error:
            connection.fail(error)  # the answer stays incomplete: the server will cut the caller's connection
        finally:
            await self._stop_pump()


def _forwardable(headers: Headers) -> Headers:
    named: set[bytes] = set()
    for name, value in headers:
        if name == b"connection":
            named.update(one.strip().lower() for one in value.split(b","))
    return [pair for pair in headers if pair[0] not in _HOP_BY_HOP and pair[0] not in _OURS and pair[0] not in named]
