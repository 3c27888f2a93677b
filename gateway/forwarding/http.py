"""Forwarding over HTTP to a part in another process, under a deadline: large bodies and all answers are streamed."""

import asyncio
import ssl
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from starlette.types import Receive, Send

from gateway.forwarding.connection import Connection, UpstreamBroken
from gateway.forwarding.pool import Bounds, Pool, UpstreamBusy, UpstreamDown
from gateway.forwarding.port import Forwarded, Headers
from gateway.metrics import UPSTREAM_FAILURES, UPSTREAM_RETRIES
from gateway.routes import MEBIBYTE
from shared.web import Problem, Unavailable
from shared.web.asgi import ClientGone
from shared.web.identity import DISTRUST
from shared.web.requests import DEADLINE

_IDEMPOTENT = frozenset(("GET", "HEAD", "OPTIONS", "PUT", "DELETE"))
_HOP_BY_HOP = frozenset(
    (b"connection", b"keep-alive", b"transfer-encoding", b"te", b"trailer", b"upgrade", b"proxy-authenticate")
)
_OURS = frozenset((b"date", b"server", b"x-request-id"))
_RETRY_SHARE = 0.2
_PART_OF_DEADLINE = 0.9
_GATHERED = MEBIBYTE
_Message = Any


class Distrusted(Exception):
    """A part does not know who we are: no service of ours answers 401 to a request that it believes."""


Sign = Callable[[Forwarded], Headers]
"""The identity headers of a request."""


class HttpForwarder:
    """Forwards to `base_url` (scheme, host and port). Close it at the end.

    A request is sent twice only when a connection that was kept open fails before any byte of an answer, and either the
    method is idempotent and the body is still at hand, or not one byte had been written. A POST that was sent never is.
    """

    in_process = False

    def __init__(
        self,
        name: str,
        base_url: str,
        sign: Sign,
        bounds: Bounds,
    ) -> None:
        parts = urlsplit(base_url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.path.strip("/") or parts.query:
            raise ValueError(f"the URL of {name} must be http(s)://host:port, without a path")
        tls = ssl.create_default_context() if parts.scheme == "https" else None
        port = parts.port or (443 if tls else 80)
        self.name = name
        self._sign = sign
        self._authority = parts.netloc.rpartition("@")[2].encode("ascii")
        self.deadline = bounds.deadline_seconds
        # A part gives up first, so that its own answer, which knows more, is what the caller gets.
        self._told = [(DEADLINE, b"%d" % int(_PART_OF_DEADLINE * 1000 * bounds.deadline_seconds))]
        self._retry_credit = 10.0
        self.pool = Pool(name, parts.hostname, port, tls, bounds)

    async def aclose(self) -> None:
        """Close every connection."""
        self.pool.close()
        await asyncio.sleep(0)  # lets the transports report their end

    async def forward(self, request: Forwarded, receive: Receive, send: Send) -> None:
        """Send the request on and its answer back. Raises a Problem while no answer has begun."""
        call = _Call(self, request, receive, send)
        try:
            await call.run()
        except ClientGone:
            return
        except Distrusted as error:
            raise self._problem("upstream_distrusts_gateway", 502, DISTRUST) from error
        except UpstreamDown as error:
            raise self._problem("upstream_unavailable", 503, "does not answer; try again", "1") from error
        except UpstreamBusy as error:
            raise self._problem("upstream_busy", 503, "has too much to do; try again", "1") from error
        except UpstreamBroken as error:
            detail = "broke off before answering; what you asked may or may not have been done"
            raise self._problem("upstream_failed", 502, detail) from error
        except TimeoutError as error:
            detail = "did not answer in time; what you asked may or may not have been done"
            raise self._problem("upstream_timeout", 504, detail) from error

    def _problem(self, code: str, status: int, what: str, retry_after: str | None = None) -> Problem:
        UPSTREAM_FAILURES.labels(self.name, code).inc()
        headers = {"Retry-After": retry_after} if retry_after else None
        return Unavailable(code, f"The {self.name} service {what}.", status=status, headers=headers)

    def may_retry(self) -> bool:
        """Retries stay under a fifth of the traffic, so that a service in trouble does not get more of it."""
        if self._retry_credit < 1:
            return False
        self._retry_credit -= 1
        UPSTREAM_RETRIES.labels(self.name).inc()
        return True

    def earn_retry(self) -> None:
        """Each request earns a part of a retry."""
        self._retry_credit = min(self._retry_credit + _RETRY_SHARE, 100.0)

    def head(self, request: Forwarded) -> bytes:
        """The request line and headers as bytes."""
        target = request.raw_path + (b"?" + request.query if request.query else b"")
        lines = [request.method.encode("ascii") + b" " + target + b" HTTP/1.1", b"host: " + self._authority]
        lines += [name + b": " + value for name, value in (*request.headers, *self._sign(request), *self._told)]
        if request.has_body and not any(name == b"content-length" for name, _ in request.headers):
            lines.append(b"transfer-encoding: chunked")
        head = b"\r\n".join(lines) + b"\r\n\r\n"
        if head.count(b"\n") != len(lines) + 1 or head.count(b"\r") != len(lines) + 1 or b"\0" in head:
            raise Problem("malformed_header", "A header holds a line break or a NUL.", status=400)
        return head


class _Call:
    """One request and its answer."""

    def __init__(self, forwarder: HttpForwarder, request: Forwarded, receive: Receive, send: Send) -> None:
        self._forwarder = forwarder
        self._request = request
        self._receive = receive
        self._send = send
        self._chunked = request.has_body and not any(name == b"content-length" for name, _ in request.headers)
        self._pump: asyncio.Task[None] | None = None

    async def run(self) -> None:
        first = await self._gathered() if self._request.has_body else {"type": "http.request"}
        if first["type"] == "http.disconnect":
            return
        self._forwarder.earn_retry()
        connection = await self._ask(first)
        try:
            if connection.status == 401 and self._request.caller is not None:
                raise Distrusted
            await self._answer(connection)
        finally:
            self._forwarder.pool.release(connection)

    async def _gathered(self) -> _Message:
        """The body as one message, if it is no larger than those of most routes: connections wait for no slow sender."""
        message = await self._receive()
        pieces, size = [message.get("body", b"")], len(message.get("body", b""))
        while message.get("more_body", False) and size <= _GATHERED:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                return message
            pieces.append(message.get("body", b""))
            size += len(pieces[-1])
        return message if len(pieces) == 1 else {**message, "body": b"".join(pieces)}

    async def _ask(self, first: _Message) -> Connection:
        """Send the request and wait for the head of the answer, on a second connection if that is harmless."""
        head = self._forwarder.head(self._request)
        connection, reused = await self._forwarder.pool.acquire()
        try:
            await self._try(connection, head, first)
            return connection
        except UpstreamBroken:
            harmless = not connection.wrote_any or (
                self._request.method in _IDEMPOTENT and not first.get("more_body", False)
            )
            if not (reused and harmless and not connection.received_any and self._forwarder.may_retry()):
                raise
        connection, _ = await self._forwarder.pool.acquire(fresh=True)
        await self._try(connection, head, first)
        return connection

    async def _try(self, connection: Connection, head: bytes, first: _Message) -> None:
        try:
            async with asyncio.timeout(self._forwarder.deadline):
                connection.begin(self._request.method)
                connection.write(head + self._framed(first))
                connection.sent_all = not first.get("more_body", False)
                self._pump = asyncio.create_task(self._upload(connection))
                await connection.head()
        except BaseException:
            await self._stop_pump()
            self._forwarder.pool.release(connection)
            raise

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
                connection.sent_all = not message.get("more_body", False)
            while (await self._receive())["type"] != "http.disconnect":
                pass  # nothing else can come after the body
            connection.fail(ClientGone())
        except UpstreamBroken as error:
            connection.fail(error)

    async def _stop_pump(self) -> None:
        pump, self._pump = self._pump, None
        if pump is not None:
            pump.cancel()
            await asyncio.gather(pump, return_exceptions=True)

    async def _answer(self, connection: Connection) -> None:
        try:
            await self._send(
                {
                    "type": "http.response.start",
                    "status": connection.status,
                    "headers": _forwardable(connection.headers),
                }
            )
            while True:
                async with asyncio.timeout(self._forwarder.deadline):
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
