"""Calls to addresses that somebody else gave us, without letting them reach our own network (SSRF).

The name is resolved once; if any of its addresses is not a public one the call is refused; the connection goes to the
checked address while Host, SNI and certificate check keep the name. No redirects, no proxy or `.netrc` from the
environment, no cookies. Whatever the other side sends, or does not send, is an answer or an EgressFailed, and costs a
bounded amount of reading. This is the only module that imports the HTTP client library.
"""

import asyncio
import ipaddress
import re
import ssl
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Self

import httpcore
import httpx

from shared.internet import Address, AllowPrivate, SystemResolver, is_public, may_be_private

Resolver = Callable[[str, int], Awaitable[list[str]]]
"""Answers the textual addresses of (host, port). Raises OSError when there are none."""

PORTS = frozenset({443, 8443})
_LABEL = r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
_HOST = re.compile(rf"(?=.{{1,253}}$)(?:{_LABEL}\.)*{_LABEL}|[0-9a-fA-F:]*:[0-9a-fA-F:.]*")
"""Brackets off, international names as xn--."""
_HEAD_BYTES = 256 * 1024
_CHECKS_AT_ONCE = 16
# OSError: anyio hands on what OpenSSL says of a broken record. ValueError: what h11 can't decode.
_BROKEN = (httpcore.TimeoutException, httpcore.NetworkError, httpcore.ProtocolError, OSError, ValueError)


class EgressError(Exception):
    """A call that brought no answer. `reason` is one sentence for people; it never holds the URL's query."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class EgressRefused(EgressError):
    """We won't call this address."""


class EgressFailed(EgressError):
    """The call was made and failed: no connection, no complete answer in time, a bad certificate."""


@dataclass(frozen=True, slots=True)
class EgressAnswer:
    """What came back. `headers` has lower-case names; `body` is cut at the client's limit, then `cut` is True."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    cut: bool
    seconds: float


@dataclass(frozen=True, slots=True)
class _Target:
    """A checked URL: `host` as it is looked up and certified, `authority` as the Host header has it, `private` when it may lead
    into our own network.
    """

    scheme: str
    host: str
    port: int
    authority: str
    path: bytes
    literal: Address | None
    private: bool


def check_url(url: str, *, allow_private: AllowPrivate = False) -> _Target:
    """Check what can be seen without asking the network. Raises EgressRefused with what to change.

    `allow_private` also lets plain http, other ports and private addresses through: True for every URL (for development
    and tests), or for those that name one of the targets by its address. A name never does: who owns it could move it.
    """
    try:
        parsed = httpx.URL(url)
        host = parsed.raw_host.decode("ascii")
        _ = parsed.host  # decodes each xn--, and raises for those that mean nothing
        authority, userinfo, port = parsed.netloc.decode("ascii"), parsed.userinfo, parsed.port
    except (httpx.InvalidURL, ValueError, TypeError) as error:
        raise EgressRefused("This is not a URL; give one such as https://example.com/hooks.") from error
    if port is None:
        port = 443 if parsed.scheme == "https" else 80
    literal = _literal(host)
    private = may_be_private(allow_private, literal, port)
    if parsed.scheme not in ({"https", "http"} if private else {"https"}):
        raise EgressRefused("The URL must begin with https://.")
    if userinfo:
        raise EgressRefused("The URL can't carry a user name or a password.")
    if not _HOST.fullmatch(host):
        raise EgressRefused("The URL needs a host name of letters, digits, hyphens and dots, with no dot at its end.")
    if not (0 < port < 65536 if private else port in PORTS):
        raise EgressRefused("Only the ports 443 and 8443 may be called.")
    if literal is not None and not private and not is_public(literal):
        raise EgressRefused("The URL leads to a private or reserved address.")
    return _Target(parsed.scheme, host, port, authority, parsed.raw_path, literal, private)


def _literal(host: str) -> Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


@dataclass(frozen=True, slots=True)
class _Outgoing:
    """One request, whichever address takes it."""

    method: str
    target: _Target
    headers: list[tuple[str, str]]
    content: bytes
    started: float


class EgressClient:
    """Makes calls to foreign URLs. One for the whole part; close it at the end (`async with`).

    `connect_seconds` and `total_seconds` limit one call, `answer_bytes` what is read of its answer.
    """

    def __init__(
        self,
        *,
        allow_private: AllowPrivate = False,
        connect_seconds: float = 5,
        total_seconds: float = 15,
        answer_bytes: int = 64 * 1024,
        resolver: Resolver | None = None,
        verify: ssl.SSLContext | None = None,
    ) -> None:
        self.allow_private = allow_private
        self._total_seconds = total_seconds
        self._connect_seconds = connect_seconds
        self._answer_bytes = answer_bytes
        self._system = SystemResolver()
        self._resolver = resolver or self._system
        self._verify = verify
        self._checking: set[asyncio.Task[list[str]]] = set()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Stop looking up names."""
        self._system.close()

    async def check(self, url: str) -> None:
        """Refuse a URL early, when it is registered. A name that nobody knows yet passes. Raises EgressRefused."""
        target = check_url(url, allow_private=self.allow_private)
        if len(self._checking) >= _CHECKS_AT_ONCE:
            return  # names that take for ever keep no thread from the calls, each of which checks again
        task = asyncio.create_task(self._addresses(target))
        self._checking.add(task)
        task.add_done_callback(self._checking.discard)
        try:
            async with asyncio.timeout(self._connect_seconds):
                await asyncio.shield(task)
        except (EgressFailed, TimeoutError):
            return

    async def post(self, url: str, *, headers: Mapping[str, str], content: bytes) -> EgressAnswer:
        """POST `content` byte for byte. Any status is an answer. Raises EgressRefused or EgressFailed."""
        return await self.request("POST", url, headers=headers, content=content)

    async def request(
        self, method: str, url: str, *, headers: Mapping[str, str] | None = None, content: bytes = b""
    ) -> EgressAnswer:
        """Make one call under the deadline. Any status is an answer. Raises EgressRefused or EgressFailed."""
        target = check_url(url, allow_private=self.allow_private)
        given = {"host": target.authority, "user-agent": "quanyu", **(headers or {}), "connection": "close"}
        if content or method not in ("GET", "HEAD"):
            given["content-length"] = str(len(content))
        outgoing = _Outgoing(method, target, list(given.items()), content, time.perf_counter())
        try:
            async with asyncio.timeout(self._total_seconds):
                return await self._first(outgoing, (await self._addresses(target))[:3])
        except TimeoutError as error:
            raise EgressFailed(f"No complete answer within {self._total_seconds:g} seconds.") from error
        except _BROKEN as error:
            raise EgressFailed(_failure(error)) from error

    async def _addresses(self, target: _Target) -> list[str]:
        try:
            found = [str(target.literal)] if target.literal else await self._resolver(target.host, target.port)
        except (OSError, RuntimeError) as error:  # RuntimeError: the system starts no further thread
            raise EgressFailed("The host name could not be resolved.") from error
        except UnicodeError as error:
            raise EgressRefused("The URL has no valid host name.") from error
        if not found:
            raise EgressFailed("The host name has no address.")
        if not target.private and not all(is_public(ipaddress.ip_address(one.split("%")[0])) for one in found):
            raise EgressRefused("The URL leads to a private or reserved address.")
        return found

    async def _first(self, outgoing: _Outgoing, addresses: list[str]) -> EgressAnswer:
        """The first address that takes a connection; before that nothing was sent."""
        for address in addresses[:-1]:
            try:
                return await self._send(outgoing, address)
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                continue
        return await self._send(outgoing, addresses[-1])

    async def _send(self, outgoing: _Outgoing, address: str) -> EgressAnswer:
        # A connection per call: a kept one is known by address alone, and would serve a second name under the
        # certificate of the first. No cap either, since whoever calls caps what is in flight.
        if self._verify is None:
            self._verify = ssl.create_default_context()
        target = outgoing.target
        request = httpcore.Request(
            outgoing.method,
            httpcore.URL(scheme=target.scheme, host=address, port=target.port, target=target.path),
            headers=outgoing.headers,
            content=outgoing.content,
            extensions={"sni_hostname": target.host, "timeout": {"connect": self._connect_seconds}},
        )
        backend = _Metered(2 * self._answer_bytes + _HEAD_BYTES)
        async with httpcore.AsyncHTTPConnection(
            request.url.origin, ssl_context=self._verify, network_backend=backend
        ) as connection:
            answer = await connection.handle_async_request(request)
            try:
                body, cut = await self._read(answer)
            finally:
                await answer.aclose()
        headers: dict[str, str] = {}
        for name, value in answer.headers:
            headers.setdefault(name.decode("latin-1").lower(), value.decode("latin-1"))
        return EgressAnswer(answer.status, headers, body, cut, time.perf_counter() - outgoing.started)

    async def _read(self, answer: httpcore.Response) -> tuple[bytes, bool]:
        body = bytearray()
        async for chunk in answer.aiter_stream():
            body += chunk
            if len(body) > self._answer_bytes:
                return bytes(body[: self._answer_bytes]), True
        return bytes(body), False


class _Metered(httpcore.AnyIOBackend):
    """Connections that break after so many bytes: an endless row of `100 Continue` would keep the processor busy."""

    def __init__(self, most: int) -> None:
        self._most = most

    async def connect_tcp(self, *args: Any, **kwargs: Any) -> httpcore.AsyncNetworkStream:
        return _MeteredStream(await super().connect_tcp(*args, **kwargs), self._most)


class _MeteredStream(httpcore.AsyncNetworkStream):
    def __init__(self, stream: httpcore.AsyncNetworkStream, most: int) -> None:
        self._stream = stream
        self._left = most

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        data = await self._stream.read(max_bytes, timeout)
        self._left -= len(data)
        if self._left < 0:
            raise httpcore.ReadError("more than any answer needs")
        return data

    async def start_tls(self, *args: Any, **kwargs: Any) -> httpcore.AsyncNetworkStream:
        return _MeteredStream(await self._stream.start_tls(*args, **kwargs), self._left)

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        await self._stream.write(buffer, timeout)

    async def aclose(self) -> None:
        await self._stream.aclose()

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


def _failure(error: Exception) -> str:
    if isinstance(error, httpcore.ConnectTimeout):
        return "No connection in time."
    if isinstance(error, httpcore.ConnectError):
        return "The certificate is not valid." if "CERTIFICATE" in str(error) else "No connection."
    if isinstance(error, httpcore.TimeoutException):
        return "No answer in time."
    return "The connection broke before a complete answer."
