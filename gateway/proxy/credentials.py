"""Where a request carries its key: `Authorization: Bearer`, `X-API-Key`, and for tracking calls the Segment manners."""

import base64
import binascii
import re
from collections.abc import Iterable
from typing import NamedTuple

from shared.web import BadRequest, Problem, TooLarge
from shared.web.gzipped import BrokenGzip, says_gzip, unpacked

_MOST = 512 * 1024
_LONGEST = 200
_WRITE_KEY = re.compile(rb'"writeKey"\s{0,20}:\s{0,20}"(qy_[0-9A-Za-z_]{1,100})"')


def from_headers(authorization: list[bytes], api_key: list[bytes], *, tracking: bool) -> str | None:
    """The key in the headers, None when there is none. Raises BadRequest for two credentials."""
    if len(authorization) + len(api_key) > 1:
        raise BadRequest("two_credentials", "Send one credential: Authorization or X-API-Key, once.")
    if api_key:
        return api_key[0].decode("latin-1").strip()
    if not authorization:
        return None
    scheme, _, value = authorization[0].decode("latin-1").strip().partition(" ")
    if scheme.lower() == "bearer":
        return value.strip()
    if scheme.lower() == "basic" and tracking:
        return _basic(value.strip())
    return ""


def _basic(value: str) -> str:
    """The user name, with or without the colon behind it."""
    try:
        return base64.b64decode(value, validate=True).decode("ascii").partition(":")[0]
    except (binascii.Error, ValueError):
        return ""


def in_query(query: bytes) -> bool:
    """True when the query string seems to hold a key: it would land in logs and histories."""
    return b"qy_live_" in query or b"qy_test_" in query or b"qy%5F" in query or b"qy%5f" in query


class BodySearch(NamedTuple):
    """`key` is what stands as `writeKey` in a tracking body, None when there is none; `seen` how many bytes were looked at.

    `problem` is for a body that can't be looked at to its end.
    """

    key: str | None
    seen: int
    problem: Problem | None = None


def from_body(body: bytes, encoding: bytes) -> BodySearch:
    """Look for the key in a body, perhaps gzipped, without reading it as JSON: it is a stranger's until the key is found."""
    steps: Iterable[bytes] = unpacked(body, _MOST) if says_gzip(encoding.decode("latin-1")) else (body,)
    seen, tail = 0, b""
    try:
        for step in steps:
            seen += len(step)
            found = _WRITE_KEY.search(tail + step)
            if found is not None:
                return BodySearch(found[1].decode("ascii"), seen)
            tail = (tail + step)[-_LONGEST:]
    except BrokenGzip as broken:
        return BodySearch(None, seen, BadRequest("broken_gzip", broken.args[0]))
    if seen > _MOST:
        detail = f"An unpacked body holds at most {_MOST // 1024} KB. Send smaller batches."
        return BodySearch(None, seen, TooLarge("body_too_large", detail))
    return BodySearch(None, seen)
