"""One instance 实例 of a service: where it is, how it is, and the requests that are with it."""

import asyncio
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import ip_address
from typing import NamedTuple
from urllib.parse import SplitResult, urlsplit

from gateway.forwarding.breaker import Breaker, Circuit
from gateway.forwarding.pool import Address, Bounds, Pool
from gateway.metrics import UPSTREAM_STATE

UNWELL_SECONDS = 1.0
RETURN_SECONDS = 10.0
_LEAST_SHARE = 0.1
_LEFT_OUT, _HALF_OPEN, _OPEN = 1, 2, 3


class Place(NamedTuple):
    """A URL of the service."""

    host: str
    port: int
    tls: ssl.SSLContext | None
    authority: bytes

    @classmethod
    def of(cls, name: str, url: str) -> "Place":
        """Raises ValueError for anything but scheme, host and port."""
        parts: SplitResult = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.path.strip("/") or parts.query:
            raise ValueError(f"the URL of {name} must be http(s)://host:port, without a path")
        tls = ssl.create_default_context() if parts.scheme == "https" else None
        authority = parts.netloc.rpartition("@")[2].encode("ascii")
        return cls(parts.hostname, parts.port or (443 if tls else 80), tls, authority)

    @property
    def named(self) -> bool:
        """A name, not an address."""
        try:
            ip_address(self.host)
        except ValueError:
            return True
        return False

    async def hosts(self) -> list[str]:
        """What its name leads to, if that is several addresses of a kind; else the name itself, looked up for each connection.

        None where nobody answers for the name.
        """
        try:
            found = await asyncio.get_running_loop().getaddrinfo(self.host, self.port, type=socket.SOCK_STREAM)
        except OSError:
            return []
        kinds: dict[int, list[str]] = {}
        for family, *_, address in found:
            hosts = kinds.setdefault(family, [])
            if address[0] not in hosts:
                hosts.append(str(address[0]))
        most = max(kinds.values(), key=len, default=[])
        return most if len(most) > 1 else [self.host]


class Instance:
    """One process of the service. `outstanding` requests of ours are with it."""

    def __init__(self, service: str, place: Place, host: str, bounds: Bounds) -> None:
        self.place = place
        self.host = host
        self.label = f"[{host}]:{place.port}" if ":" in host else f"{host}:{place.port}"
        self.pool = Pool((service, self.label), Address(host, place.port, place.tls, place.host), bounds)
        self.breaker = Breaker()
        self.outstanding = 0
        self.well = True
        self.asking = False
        self.ask_at = 0.0
        self._returned_at: float | None = None
        self._labels = service, self.label
        self.tell()

    def load(self, now: float) -> float:
        """What it has to do, for its share: one that has just come back is given more and more."""
        if self._returned_at is None:
            return float(self.outstanding)
        share = _LEAST_SHARE + (now - self._returned_at) / RETURN_SECONDS
        if share >= 1:
            self._returned_at = None
            return float(self.outstanding)
        return (self.outstanding + 1) / share - 1

    def enter(self) -> "Visit":
        """A request goes there."""
        self.outstanding += 1
        return Visit(self, trial=self.breaker.enter())

    def noted(self, now: float, *, well: bool) -> None:
        """Whether it can be reached and is ready."""
        if well and not self.well:
            self._returned_at = now
        elif not well and self.well:
            self.ask_at = now + UNWELL_SECONDS
        self.well = well

    def tell(self) -> None:
        """Its state, for the metrics."""
        states = {Circuit.OPEN: _OPEN, Circuit.HALF_OPEN: _HALF_OPEN, Circuit.CLOSED: 0 if self.well else _LEFT_OUT}
        UPSTREAM_STATE.labels(*self._labels).set(states[self.breaker.circuit])

    async def readiness(self) -> int:
        """The status of its answer to /readyz. Raises UpstreamDown, UpstreamBusy, UpstreamBroken."""
        connection, _ = await self.pool.acquire(fresh=True)  # one that was kept says nothing about the next
        try:
            connection.begin("GET")
            connection.write(
                b"GET /readyz HTTP/1.1\r\nhost: " + self.place.authority + b"\r\nconnection: close\r\n\r\n"
            )
            await connection.head()
            return connection.status
        finally:
            self.pool.release(connection)

    def retire(self) -> None:
        """Its name leads elsewhere now: what is under way ends, nothing new begins."""
        self.pool.retire()
        UPSTREAM_STATE.remove(*self._labels)


class Visit:
    """One request at one instance. `leave` ends it; before that it may have been judged."""

    def __init__(self, instance: Instance, *, trial: bool) -> None:
        self.instance = instance
        self._trial = trial
        self._left = False

    def answered(self) -> None:
        """An answer came."""
        self._judge(failed=False)

    def failed(self, *, unreachable: bool = False) -> None:
        """None came, through no fault of the caller's."""
        if unreachable:
            self.instance.noted(asyncio.get_running_loop().time(), well=False)
        self._judge(failed=True)

    def leave(self) -> None:
        """The request is over, or an event stream has begun, which is no work."""
        if self._left:
            return
        self._left = True
        self.instance.outstanding -= 1
        if self._trial:
            self.instance.breaker.leave()

    @contextmanager
    def left_on_failure(self) -> Iterator[None]:
        """`leave` when the block fails."""
        try:
            yield
        except BaseException:
            self.leave()
            raise

    def _judge(self, *, failed: bool) -> None:
        breaker, now = self.instance.breaker, asyncio.get_running_loop().time()
        if breaker.circuit is Circuit.HALF_OPEN and not self._trial:
            return  # it was sent before the trial, which alone decides
        before = breaker.circuit, self.instance.well
        if failed:
            breaker.failed(now)
        else:
            breaker.succeeded(now)
        if before[0] is Circuit.HALF_OPEN and breaker.circuit is Circuit.CLOSED:
            self.instance.well = False  # so that it is given little at first
            self.instance.noted(now, well=True)
        if failed or before != (breaker.circuit, self.instance.well):
            self.instance.tell()
