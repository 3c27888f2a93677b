"""Calls to addresses that somebody else gave us, without letting them reach our own network (SSRF).

The name is resolved once; if any of its addresses is not a public one the call is refused; the connection goes to the
checked address while Host, SNI and certificate check keep the name. No redirects, no proxy or `.netrc` from the
environment, no cookies. This is the only module that imports the HTTP client library.
"""

import asyncio
import ipaddress
import re
import socket
import ssl
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Self

import httpx

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Resolver = Callable[[str, int], Awaitable[list[str]]]
"""Answers the textual addresses of (host, port). Raises OSError when there are none."""

PORTS = frozenset({443, 8443})
_HOST = re.compile(rb"[0-9a-fA-F:]+|[A-Za-z0-9_.-]*[A-Za-z0-9_-]")  # raw: brackets off, international names as xn--
_NAT64 = (ipaddress.IPv6Network("64:ff9b::/96"), ipaddress.IPv6Network("64:ff9b:1::/48"))
_NEVER = (
    ipaddress.IPv6Network("::/96"),  # IPv4-compatible, long withdrawn
    ipaddress.IPv6Network("fec0::/10"),  # site-local, withdrawn but still routed in places
    ipaddress.IPv4Network("192.88.99.0/24"),  # relays into 6to4
    ipaddress.IPv4Network("100.64.0.0/10"),  # carrier NAT; Alibaba Cloud keeps its metadata here
)


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


def is_public(address: Address) -> bool:
    """True for an address out in the internet, also after unwrapping what carries an IPv4 address inside."""
    if isinstance(address, ipaddress.IPv6Address):
        inner = _carried(address)
        if inner is not None:
            return is_public(inner)
    if any(address.version == network.version and address in network for network in _NEVER):
        return False
    return address.is_global and not address.is_multicast and not address.is_reserved


def _carried(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address.sixtofour is not None:
        return address.sixtofour
    if address.teredo is not None:
        return address.teredo[1]
    if any(address in network for network in _NAT64):
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return None


def check_url(url: str, *, allow_private: bool = False) -> httpx.URL:
    """Check what can be seen without asking the network. Raises EgressRefused with what to change.

    `allow_private` (for development and tests) also lets plain http, other ports and private addresses through.
    """
    try:
        parsed = httpx.URL(url)
    except (httpx.InvalidURL, ValueError, TypeError) as error:
        raise EgressRefused("This is not a URL; give one such as https://example.com/hooks.") from error
    if parsed.scheme not in ({"https", "http"} if allow_private else {"https"}):
        raise EgressRefused("The URL must begin with https://.")
    if parsed.userinfo:
        raise EgressRefused("The URL can't carry a user name or a password.")
    if not _HOST.fullmatch(parsed.raw_host):
        raise EgressRefused("The URL needs a host name of letters, digits, hyphens and dots, with no dot at its end.")
    if not allow_private and (parsed.port or 443) not in PORTS:
        raise EgressRefused("Only the ports 443 and 8443 may be called.")
    literal = _literal(parsed.host)
    if literal is not None and not allow_private and not is_public(literal):
        raise EgressRefused("The URL leads to a private or reserved address.")
    return parsed


def _literal(host: str) -> Address | None:
    try:
        return ipaddress.ip_address(host.strip("[]").split("%")[0])
    except ValueError:
        return None


async def system_resolver(host: str, port: int) -> list[str]:
    """A and AAAA as the operating system knows them."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(address[0]) for *_, address in found]


class EgressClient:
    """Makes calls to foreign URLs. One for the whole part; close it at the end (`async with`).

    `connect_seconds` and `total_seconds` limit one call, `answer_bytes` what is read of its answer.
    """

    def __init__(
        self,
        *,
        allow_private: bool = False,
        connect_seconds: float = 5,
        total_seconds: float = 15,
        answer_bytes: int = 64 * 1024,
        resolver: Resolver = system_resolver,
        verify: ssl.SSLContext | None = None,
    ) -> None:
        self.allow_private = allow_private
        self._total_seconds = total_seconds
        self._connect_seconds = connect_seconds
        self._answer_bytes = answer_bytes
        self._resolver = resolver
        self._verify = verify
        self._client: httpx.AsyncClient | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close every connection."""
        if self._client is not None:
            client, self._client = self._client, None
            await client.aclose()

    async def check(self, url: str) -> None:
        """Refuse a URL early, when it is registered. A name that nobody knows yet passes. Raises EgressRefused."""
        parsed = check_url(url, allow_private=self.allow_private)
        try:
            async with asyncio.timeout(self._connect_seconds):
                await self._addresses(parsed)
        except (EgressFailed, TimeoutError):
            return

    async def post(self, url: str, *, headers: Mapping[str, str], content: bytes) -> EgressAnswer:
        """POST `content` byte for byte. Any status is an answer. Raises EgressRefused or EgressFailed."""
        return await self.request("POST", url, headers=headers, content=content)

    async def request(
        self, method: str, url: str, *, headers: Mapping[str, str] | None = None, content: bytes = b""
    ) -> EgressAnswer:
        """Make one call under the deadline. Any status is an answer. Raises EgressRefused or EgressFailed."""
        parsed = check_url(url, allow_private=self.allow_private)
        started = time.perf_counter()
        try:
            async with asyncio.timeout(self._total_seconds):
                addresses = await self._addresses(parsed)
                return await self._first(method, parsed, addresses[:3], dict(headers or {}), content, started)
        except TimeoutError as error:
            raise EgressFailed(f"No complete answer within {self._total_seconds:g} seconds.") from error
        except httpx.HTTPError as error:
            raise EgressFailed(_failure(error)) from error

    async def _addresses(self, url: httpx.URL) -> list[str]:
        port = url.port or (443 if url.scheme == "https" else 80)
        literal = _literal(url.host)
        try:
            found = [str(literal)] if literal else await self._resolver(url.host, port)
        except OSError as error:
            raise EgressFailed("The host name could not be resolved.") from error
        except UnicodeError as error:
            raise EgressRefused("The URL has no valid host name.") from error
        if not found:
            raise EgressFailed("The host name has no address.")
        if not self.allow_private and not all(is_public(ipaddress.ip_address(one.split("%")[0])) for one in found):
            raise EgressRefused("The URL leads to a private or reserved address.")
        return found

    async def _first(
        self, method: str, url: httpx.URL, addresses: list[str], headers: dict[str, str], content: bytes, started: float
    ) -> EgressAnswer:
        """The first address that takes a connection; before that nothing was sent."""
        for address in addresses[:-1]:
            try:
                return await self._call(method, url, address, headers, content, started)
            except (httpx.ConnectError, httpx.ConnectTimeout):
                continue
        return await self._call(method, url, addresses[-1], headers, content, started)

    async def _call(
        self, method: str, url: httpx.URL, address: str, headers: dict[str, str], content: bytes, started: float
    ) -> EgressAnswer:
        if self._client is None:
            self._client = self._open()
        request = httpx.Request(
            method,
            url.copy_with(host=address),
            headers={"user-agent": "quanyu", **headers, "host": url.netloc.decode("ascii")},
            content=content,
            extensions={
                "sni_hostname": url.host,
                "timeout": httpx.Timeout(self._total_seconds, connect=self._connect_seconds).as_dict(),
            },
        )
        answer = await self._client.send(request, stream=True)
        try:
            body, cut = await self._read(answer)
        finally:
            await answer.aclose()
        self._client.cookies.clear()
        lower = {name.lower(): value for name, value in answer.headers.items()}
        return EgressAnswer(answer.status_code, lower, body, cut, time.perf_counter() - started)

    async def _read(self, answer: httpx.Response) -> tuple[bytes, bool]:
        body = bytearray()
        async for chunk in answer.aiter_raw(16 * 1024):
            body += chunk
            if len(body) > self._answer_bytes:
                return bytes(body[: self._answer_bytes]), True
        return bytes(body), False

    def _open(self) -> httpx.AsyncClient:
        # A connection per call: a kept one is known by address alone, and would serve a second name under the
        # certificate of the first. No cap either, since whoever calls caps what is in flight.
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=0)
        verify = self._verify if self._verify is not None else ssl.create_default_context()
        return httpx.AsyncClient(verify=verify, trust_env=False, follow_redirects=False, limits=limits)


def _failure(error: httpx.HTTPError) -> str:
    if isinstance(error, httpx.ConnectTimeout):
        return "No connection in time."
    if isinstance(error, httpx.ConnectError):
        return "The certificate is not valid." if "CERTIFICATE" in str(error) else "No connection."
    if isinstance(error, httpx.TimeoutException):
        return "No answer in time."
    return "The connection broke before a complete answer."
