"""Addresses: which ones a name has, and which are out in the internet by IANA's registries of special-purpose addresses.

The registries are written out, because `ipaddress.is_global` is of another opinion in each release of Python, and true for
addresses that a network answers itself: 192.0.0.9, 64:ff9b:1::a00:1, 224.0.0.1.
"""

import asyncio
import socket
from concurrent.futures import ThreadPoolExecutor
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

Address = IPv4Address | IPv6Address
_THREADS = 256

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


def is_public(address: Address) -> bool:
    """True for an address out in the internet, also after unwrapping what carries an IPv4 address inside."""
    if isinstance(address, IPv4Address):
        return not any(address in network for network in _NOT_PUBLIC_4)
    if any(address in network for network in _CARRYING_IPV4):
        return is_public(IPv4Address(int(address) & 0xFFFFFFFF))
    return address in _PUBLIC_6 and not any(address in network for network in _NOT_PUBLIC_6)


class SystemResolver:
    """A and AAAA as the operating system knows them, which may take it half a minute, in a thread that nobody can end.

    So the threads are its own and many, and whoever asks for a name that is being looked up waits for the same one.
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
