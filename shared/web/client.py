"""Who sits at the other end of a request: address and device, as far as somebody trustworthy says so.

The gateway writes `X-Forwarded-For` itself (one address: the connection's, or what a trusted proxy says of it) and drops
what came in. Apps send `X-Device-Id`. A merchant's own server speaks for its shoppers: it may name the shopper's address
in `X-Client-Address`; without it only the server's own address is known, which says nothing about any one shopper. Of a
partner's server no more than that is known.
"""

from ipaddress import IPv6Address, ip_address, ip_network
from typing import Annotated, NamedTuple

from fastapi import Depends
from starlette.requests import Request
from starlette.types import Scope

from shared.web.asgi import header
from shared.web.identity import SCOPE_KEY, Caller
from shared.web.problems import BadRequest

MOST_DEVICE = 200
_SERVERS = frozenset(("secret", "restricted", "partner", "staff"))
"""Who speaks for many shoppers: a server, and an operator at the console, whose own address says nothing of any of them."""


class Client(NamedTuple):
    """`address` is an IP address, `device` an id of the app's own; None = not known.

    `server`: the address is that of a server, which speaks for many shoppers. `partner` is the partner whose server it is: no
    address that it names is believed, and it answers for all of its shoppers together.
    """

    address: str | None = None
    device: str | None = None
    server: bool = False
    partner: str | None = None


def client_of(scope: Scope) -> Client:
    """What is known of the client. Raises BadRequest for a header that can't be read; it never reaches a log."""
    device = header(scope, b"x-device-id") or None
    if device is not None and (len(device) > MOST_DEVICE or not device.isprintable()):
        raise BadRequest("invalid_device_id", f"Send at most {MOST_DEVICE} printable characters as X-Device-Id.")
    address = header(scope, b"x-forwarded-for") or None
    caller: Caller | None = scope.get(SCOPE_KEY)
    if not _speaks_for_others(caller):
        return Client(address, device)
    partner = caller.wall if caller else None
    named = header(scope, b"x-client-address")
    if named is None or partner is not None:
        return Client(address, device, server=True, partner=partner)
    try:
        return Client(str(ip_address(named.strip())), device)
    except ValueError:
        raise BadRequest(
            "invalid_client_address", "Send one IP address as X-Client-Address, or leave it out."
        ) from None


def _speaks_for_others(caller: Caller | None) -> bool:
    return caller is not None and caller.customer_id is None and caller.kind in _SERVERS


async def client_of_request(request: Request) -> Client:
    """The same, as a dependency. Raises BadRequest."""
    return client_of(request.scope)


ClientFacts = Annotated[Client, Depends(client_of_request)]
"""For routes: `async def redeem(caller: …, client: ClientFacts, …)`."""


def bucket_of(address: str) -> str:
    """What counts as one address: an IPv6 network of 64 bits is one household or server; IPv4 stays as it is."""
    if ":" not in address:
        return address
    try:
        parsed = ip_address(address.split("%")[0])
    except ValueError:
        return address
    if not isinstance(parsed, IPv6Address):
        return address
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(ip_network((int(parsed) >> 64 << 64, 64)))
