"""One look at a request's headers: what the gateway needs of them, and what of them may go on to a part."""

from dataclasses import dataclass, field

from gateway.signatures.rules import NAMES as SIGNATURE_HEADERS
from gateway.signatures.rules import SIGNATURE, Signed
from shared.web import BadRequest, Problem

MOST_HEADERS = 100
MOST_BYTES = 32 * 1024

# Credentials, identity, the path of the connection and its framing are ours to write, or nobody's.
_DROPPED = frozenset(
    (
        b"authorization",
        b"x-api-key",
        b"cookie",
        b"x-csrf-token",
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
_CONDITIONS = frozenset((b"if-match", b"if-unmodified-since"))
"""Whoever sends them wants nothing done unless they hold; passed over, they would be taken for kept."""

_NOTED = _CONDITIONS | {
    b"content-length",
    b"content-encoding",
    b"origin",
    b"access-control-request-method",
    b"sec-fetch-site",
}


@dataclass(slots=True)
class RequestHeaders:
    """`kept` go on to the part. `length` is the announced body length in bytes, None when there is none announced.

    `signature` are the headers of a signed call, `signed` what they say once they were read.
    `forwarded`: a proxy, or somebody who poses as one, says for whom it calls.
    """

    kept: list[tuple[bytes, bytes]] = field(default_factory=list)
    authorization: list[bytes] = field(default_factory=list)
    api_key: list[bytes] = field(default_factory=list)
    forwarded_for: list[bytes] = field(default_factory=list)
    forwarded: bool = False
    length: int | None = None
    chunked: bool = False
    encoding: bytes = b""
    origin: bytes | None = None
    preflight: bytes | None = None
    host: bytes = b""
    fetch_site: bytes | None = None
    cookies: list[bytes] = field(default_factory=list)
    csrf: bytes | None = None
    signature: list[tuple[bytes, bytes]] = field(default_factory=list)
    signed: Signed | None = None
    request_id: bytes | None = None


def headers_too_large() -> Problem:
    """Too many headers, or too many bytes of them."""
    detail = f"Send at most {MOST_HEADERS} headers and {MOST_BYTES // 1024} KiB of them."
    return Problem("headers_too_large", detail, status=431)


def read_headers(headers: list[tuple[bytes, bytes]]) -> RequestHeaders:
    """Sort the headers. Raises BadRequest for an ambiguous request, a 431 for too many headers, a 412 for a condition."""
    if len(headers) > MOST_HEADERS:
        raise headers_too_large()
    found = RequestHeaders()
    size = hosts = 0
    named: set[bytes] = set()
    for pair in headers:
        name, value = pair
        size += len(name) + len(value)
        if name == b"host":
            hosts += 1
            found.host = value
        elif name == b"connection":
            named.update(part.strip().lower() for part in value.split(b","))
        elif name in _DROPPED:
            _note_dropped(found, name, value)
        elif name in SIGNATURE_HEADERS:
            found.signature.append(pair)
        elif b"_" in name or name.startswith(b"x-quanyu-"):
            continue  # an underscore can pass for a hyphen further on; identity is written by us alone
        else:
            if name in _NOTED:
                _note_kept(found, name, value)
            found.kept.append(pair)
    if size > MOST_BYTES:
        raise headers_too_large()
    if hosts > 1:
        raise BadRequest("ambiguous_host", "Send one Host header.")
    if all(name != SIGNATURE for name, _ in found.signature):
        found.signature.clear()  # identity headers of a call that is not signed say nothing
    if named:
        found.kept = [pair for pair in found.kept if pair[0] not in named]
    return found


def _note_dropped(found: RequestHeaders, name: bytes, value: bytes) -> None:
    if name == b"authorization":
        found.authorization.append(value)
    elif name == b"x-api-key":
        found.api_key.append(value)
    elif name == b"x-forwarded-for":
        found.forwarded_for.append(value)
        found.forwarded = True
    elif name in (b"forwarded", b"x-real-ip"):
        found.forwarded = True
    elif name == b"x-request-id":
        found.request_id = value
    elif name == b"transfer-encoding":
        found.chunked = True
    elif name == b"cookie":
        found.cookies.append(value)
    elif name == b"x-csrf-token":
        found.csrf = value


def _note_kept(found: RequestHeaders, name: bytes, value: bytes) -> None:
    if name == b"content-length":
        if found.length is not None or not value.isdigit() or len(value) > 15:
            raise BadRequest("ambiguous_length", "Send one Content-Length, a number of bytes.")
        found.length = int(value)
    elif name == b"content-encoding":
        found.encoding = value
    elif name == b"origin":
        found.origin = value
    elif name == b"sec-fetch-site":
        found.fetch_site = value
    elif name == b"access-control-request-method":
        found.preflight = value
    elif name in _CONDITIONS:
        detail = "Nothing here has an ETag or a date to compare with: leave If-Match and If-Unmodified-Since out."
        raise Problem("precondition_failed", detail, status=412)
