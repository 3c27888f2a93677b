"""One look at a request's headers: what the door needs of them, and what of them may go on to a part."""

from dataclasses import dataclass, field

from shared.web import BadRequest, Problem

MOST_HEADERS = 100
MOST_BYTES = 32 * 1024

# Credentials, identity, the path of the connection and its framing are ours to write, or nobody's.
_DROPPED = frozenset(
    (
        b"authorization",
        b"x-api-key",
        b"cookie",
        b"host",
        b"connection",
        b"keep-alive",
        b"proxy-authorization",
        b"proxy-connection",
        b"te",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
        b"expect",
        b"forwarded",
        b"x-forwarded-for",
        b"x-forwarded-host",
        b"x-forwarded-proto",
        b"x-forwarded-port",
        b"x-forwarded-prefix",
        b"x-real-ip",
        b"x-request-id",
        b"x-original-url",
        b"x-rewrite-url",
        b"x-http-method-override",
    )
)


@dataclass(slots=True)
class Sifted:
    """`kept` go on to the part. `length` is the announced body length in bytes, None when there is none announced."""

    kept: list[tuple[bytes, bytes]] = field(default_factory=list)
    authorization: list[bytes] = field(default_factory=list)
    api_key: list[bytes] = field(default_factory=list)
    forwarded_for: list[bytes] = field(default_factory=list)
    length: int | None = None
    chunked: bool = False
    encoding: bytes = b""
    origin: bytes | None = None
    preflight: bytes | None = None
    request_id: bytes | None = None


def sift(headers: list[tuple[bytes, bytes]]) -> Sifted:
    """Sort the headers. Raises BadRequest for an ambiguous request, a 431 for too many headers."""
    if len(headers) > MOST_HEADERS or sum(len(name) + len(value) for name, value in headers) > MOST_BYTES:
        raise Problem("headers_too_large", f"Send at most {MOST_HEADERS} headers and 32 KiB of them.", status=431)
    sifted = Sifted()
    hosts = 0
    named: set[bytes] = set()
    for name, value in headers:
        if name == b"host":
            hosts += 1
        elif name == b"connection":
            named.update(part.strip().lower() for part in value.split(b","))
        elif name in _DROPPED:
            _note_dropped(sifted, name, value)
        elif b"_" in name or name.startswith(b"x-quanyu-"):
            continue  # an underscore can pass for a hyphen further on; identity is written by us alone
        else:
            _note_kept(sifted, name, value)
            sifted.kept.append((name, value))
    if hosts > 1:
        raise BadRequest("ambiguous_host", "Send one Host header.")
    if named:
        sifted.kept = [pair for pair in sifted.kept if pair[0] not in named]
    return sifted


def _note_dropped(sifted: Sifted, name: bytes, value: bytes) -> None:
    if name == b"authorization":
        sifted.authorization.append(value)
    elif name == b"x-api-key":
        sifted.api_key.append(value)
    elif name == b"x-forwarded-for":
        sifted.forwarded_for.append(value)
    elif name == b"x-request-id":
        sifted.request_id = value
    elif name == b"transfer-encoding":
        sifted.chunked = True


def _note_kept(sifted: Sifted, name: bytes, value: bytes) -> None:
    if name == b"content-length":
        if sifted.length is not None or not value.isdigit() or len(value) > 15:
            raise BadRequest("ambiguous_length", "Send one Content-Length, a number of bytes.")
        sifted.length = int(value)
    elif name == b"content-encoding":
        sifted.encoding = value
    elif name == b"origin":
        sifted.origin = value
    elif name == b"access-control-request-method":
        sifted.preflight = value
