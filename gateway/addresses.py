"""Who is calling, by address: networks, and what trusted proxies say. Pure."""

from collections.abc import Iterable, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

Network = IPv4Network | IPv6Network


def address_allowed(address: str, networks: Iterable[Network]) -> bool:
    """True when `address` lies in one of `networks`. An address that can't be read lies in none."""
    try:
        parsed: IPv4Address | IPv6Address = ip_address(address.split("%")[0])
    except ValueError:
        return False
    if isinstance(parsed, IPv6Address) and parsed.ipv4_mapped is not None:
        parsed = parsed.ipv4_mapped
    return any(parsed in network for network in networks)


def address_of(peer: str, forwarded_for: list[bytes], proxies: Sequence[Network]) -> str:
    """Who is calling: the connection's peer, or what a trusted proxy says of it (its own entry, the rightmost)."""
    if not proxies or not forwarded_for or not address_allowed(peer, proxies):
        return peer
    entries = b",".join(forwarded_for).decode("latin-1").split(",")
    for entry in reversed(entries):
        address = entry.strip()
        if not address_allowed(address, proxies):
            return address if _is_address(address) else peer
    return peer


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True
