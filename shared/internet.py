"""Addresses: which ones a name has, and which are out in the internet by IANA's registries of special-purpose addresses.

The registries are written out, because `ipaddress.is_global` is of another opinion in each release of Python, and true for
addresses that a network answers itself: 192.0.0.9, 64:ff9b:1::a00:1, 224.0.0.1.
"""

import asyncio
import re
import socket
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network
from typing import Self

from shared.language import say

Address = IPv4Address | IPv6Address
_THREADS = 1024

_NOT_PUBLIC_4 = tuple(
    IPv4Network(text)
    for text in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",  # carrier NAT; Alibaba Cloud keeps its metadata here
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",  # protocol assignments; the two that are routed everywhere are answered by the nearest network
        "192.0.2.0/24",
        "192.31.196.0/24",  # AS112, AMT and 6to4 relays: anycast, answered by the nearest network too
        "192.52.193.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "192.175.48.0/24",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/3",  # multicast, reserved, broadcast
    )
)

_PUBLIC_6 = IPv6Network("2000::/3")
"""All that was ever given out; the rest is local, multicast or nobody's."""
_NOT_PUBLIC_6 = tuple(
    IPv6Network(text)
    for text in (
        "2001::/23",  # protocol assignments: Teredo, benchmarks, ORCHID …
        "2001:db8::/32",
        "2002::/16",  # 6to4
        "2620:4f:8000::/48",  # AS112
        "3fff::/20",
    )
)
_CARRYING_IPV4 = (IPv6Network("::ffff:0:0/96"), IPv6Network("64:ff9b::/96"))
"""What resolvers make of IPv4 addresses. Local NAT64 (64:ff9b:1::/48) and the older ways are nobody's public address."""


@dataclass(frozen=True, slots=True)
class PrivateTarget:
    """What may be called although it is not out in the internet: the addresses of a network, at every port or at one."""

    network: IPv4Network | IPv6Network
    port: int | None = None

    @classmethod
    def parse(cls, text: str) -> Self:
        """`127.0.0.1:8009`, `10.1.0.0/16`, `[::1]:8009`. Raises ValueError."""
        found = re.fullmatch(r"(?:\[([^\]]+)\]|([^:]+(?:\.[^:]+)+))(?::([0-9]{1,5}))?|([0-9a-fA-F:/]+)", text)
        if found is None or int(found[3] or 1) not in range(1, 65536):
            raise ValueError("must be addresses or networks, each with a port or without: 127.0.0.1:8009, 10.1.0.0/16")
        return cls(ip_network(found[1] or found[2] or found[4]), int(found[3]) if found[3] else None)

    def __str__(self) -> str:
        if self.port is None:
            return str(self.network)
        return f"[{self.network}]:{self.port}" if self.network.version == 6 else f"{self.network}:{self.port}"

    def covers(self, address: Address, port: int) -> bool:
        """True when this address and port may be called."""
        return self.port in (None, port) and address.version == self.network.version and address in self.network


AllowPrivate = bool | tuple[PrivateTarget, ...]
"""Every one, none, or these."""


def may_be_private(allowed: AllowPrivate, literal: Address | None, port: int) -> bool:
    """True when a URL that names this address (None: a host name) and port may lead into our own network."""
    if isinstance(allowed, bool):
        return allowed
    return literal is not None and any(one.covers(literal, port) for one in allowed)


def private_targets(value: object) -> object:
    """The targets of a setting, written with commas between them. Raises ValueError."""
    if not isinstance(value, str):
        return value
    return tuple(PrivateTarget.parse(part.strip()) for part in value.split(",") if part.strip())


_THIS_MACHINE: tuple[IPv4Network | IPv6Network, ...] = (
    *(IPv4Network(text) for text in ("0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "100.100.100.200/32")),
    *(IPv6Network(text) for text in ("::/127", "::ffff:0:0/96", "fe80::/10", "fd00:ec2::254/128", "fd20:ce::254/128")),
)
"""Loopback, and link-local networks with the clouds' servers of metadata, which hand out the machine's own credentials."""


def unsafe_targets(every: bool, some: tuple[PrivateTarget, ...]) -> list[str]:
    """What production refuses of where webhooks may go: to `every` private address, to `some` of them."""
    wrong = []
    if every:
        wrong.append(
            say(
                "QUANYU_WEBHOOKS_ALLOW_PRIVATE opens every private address to webhooks",
                "QUANYU_WEBHOOKS_ALLOW_PRIVATE 使回调可以发往任何内网地址",
            )
        )
    if any(one.network.overlaps(own) for one in some for own in _THIS_MACHINE):
        wrong.append(
            say(
                "QUANYU_WEBHOOKS_ALLOWED_PRIVATE opens this machine itself (loopback or link-local) to webhooks",
                "QUANYU_WEBHOOKS_ALLOWED_PRIVATE 使回调可以发往本机（环回或链路本地地址）",
            )
        )
    return wrong


def is_public(address: Address) -> bool:
    """True for an address out in the internet, also after unwrapping what carries an IPv4 address inside."""
    if isinstance(address, IPv4Address):
        return not any(address in network for network in _NOT_PUBLIC_4)
    if any(address in network for network in _CARRYING_IPV4):
        return is_public(IPv4Address(int(address) & 0xFFFFFFFF))
    return address in _PUBLIC_6 and not any(address in network for network in _NOT_PUBLIC_6)


class SystemResolver:
    """A and AAAA as the operating system knows them, which may take it half a minute, in a thread that nobody can end.

    So the threads are its own and many: they only sleep, and are started when they are needed. Whoever asks for a name that
    is being looked up waits for the same one.
    """

    def __init__(self) -> None:
        self._threads: ThreadPoolExecutor | None = None
        self._looking: dict[tuple[str, int], asyncio.Future[list[str]]] = {}

    async def __call__(self, host: str, port: int) -> list[str]:
        """Textual addresses. Raises OSError when there are none."""
        asked = (host, port)
        looking = self._looking.get(asked)
        if looking is None:
            if self._threads is None:
                self._threads = ThreadPoolExecutor(_THREADS, "resolver")
            looking = asyncio.get_running_loop().run_in_executor(self._threads, _look_up, host, port)
            self._looking[asked] = looking
            looking.add_done_callback(lambda done: self._found(asked, done))
        return await asyncio.shield(looking)

    def _found(self, asked: tuple[str, int], done: asyncio.Future[list[str]]) -> None:
        del self._looking[asked]
        if not done.cancelled():
            done.exception()  # seen, also when nobody waits any more

    def close(self) -> None:
        """Begin nothing more."""
        if self._threads is not None:
            threads, self._threads = self._threads, None
            threads.shutdown(wait=False, cancel_futures=True)


def _look_up(host: str, port: int) -> list[str]:
    return [str(address[0]) for *_, address in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
