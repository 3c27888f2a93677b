"""What the server says by itself, before any application has seen the request: problem documents, as bytes."""

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache

from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from shared.ids import new_id
from shared.web import BadRequest, Problem
from shared.web.problems import MEDIA_TYPE
from suite.door.limits import MOST_PIPELINED, MOST_TARGET

_HOST = re.compile(rb"(?:[A-Za-z0-9_.~%!$&'()*+;=-]*|\[[0-9A-Fa-f:.]+\])(?::\d{0,5})?")


def malformed() -> Problem:
    """No HTTP, or such that two readers could understand it differently."""
    return BadRequest("malformed_http", "This is no HTTP/1.1 request that can be read without doubt.")


def fault_of(target: bytes, headers: Sequence[tuple[bytes, bytes]], version: str) -> Problem | None:
    """What is wrong with a head that the parser could read, if anything.

    A whole URL or a fragment where a path belongs; not one host, or one that could be read as more than a name and a port.
    """
    if not target.startswith((b"/", b"*")) or b"#" in target:
        return BadRequest("odd_target", "Send the path alone in the request line, and the host as Host.")
    hosts = [value for name, value in headers if name == b"host"]
    if (len(hosts) == 1 and _plain(hosts[0])) or (not hosts and version == "1.0"):
        return None
    return BadRequest("ambiguous_host", "Send one Host header: a name or an address, and perhaps a port.")


@lru_cache(maxsize=64)
def _plain(host: bytes) -> bool:
    return _HOST.fullmatch(host) is not None


def no_proxy() -> Problem:
    """CONNECT."""
    return Problem("not_a_proxy", "CONNECT is for proxies; this is none.", status=501)


def target_too_long() -> Problem:
    """Path and query."""
    return Problem("target_too_long", f"Send at most {MOST_TARGET} bytes of path and query.", status=414)


def too_many_pipelined() -> Problem:
    """Requests that nobody waits to be answered."""
    detail = f"Send at most {MOST_PIPELINED} requests ahead of their answers."
    return Problem("too_many_pipelined", detail, status=429)


def too_slow(part: str) -> Problem:
    """`part` of the request took too long."""
    detail = f"The {part} of the request came too slowly. Send it again, on a new connection."
    return Problem(f"slow_{part}", detail, status=408)


def answer(problem: Problem, own: Iterable[tuple[bytes, bytes]]) -> bytes:
    """The whole answer, after which the connection ends. `own` are the headers that every answer of the server has."""
    request_id = new_id("req")
    body = problem.body(request_id)
    headers = {
        **problem.headers,
        "Content-Type": MEDIA_TYPE,
        "Content-Length": str(len(body)),
        "X-Request-Id": request_id,
        "Connection": "close",
    }
    lines = [b"%b: %b\r\n" % pair for pair in own]
    lines += [f"{name}: {value}\r\n".encode("latin-1") for name, value in headers.items()]
    return b"".join((STATUS_LINE[problem.status], *lines, b"\r\n", body))
