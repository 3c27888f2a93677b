"""From the raw bytes of a tracking call to JSON: gzip with a bound, size limits, whatever the content type says."""

import zlib
from typing import Any

import orjson

from shared.web import BadRequest, Problem

MAX_EVENT = 32 * 1024
MAX_BATCH = 500 * 1024
MAX_MERGED = 4 * 1024 * 1024
_MAX_MEMBERS = 16


def refusal(code: str, detail: str) -> Problem:
    """A problem as the SDKs read it: they look for `code` and `message`."""
    return BadRequest(code, detail, message=detail)


def inflate(raw: bytes, encoding: str | None, limit: int) -> bytes:
    """The body as it was before compression. Raises a 400 for broken gzip and for more than `limit` bytes."""
    if raw[:2] == b"\x1f\x8b" or (encoding or "").strip().lower() in ("gzip", "x-gzip"):
        raw = _gunzip(raw, limit)
    elif (encoding or "identity").strip().lower() != "identity":
        raise refusal("unsupported_encoding", "Send the body as it is or with Content-Encoding: gzip.")
    if len(raw) > limit:
        raise refusal(
            "body_too_large", f"The body holds at most {limit // 1024} KB after inflating; send smaller batches."
        )
    return raw


def _gunzip(raw: bytes, limit: int) -> bytes:
    found = bytearray()
    for _ in range(_MAX_MEMBERS):  # a gzip body may be several members; each costs a copy of those behind it
        if not raw:
            return bytes(found)
        machine = zlib.decompressobj(wbits=31)
        try:
            found += machine.decompress(raw, limit + 1 - len(found))
        except zlib.error:
            raise refusal(
                "broken_gzip", "The body is not valid gzip. Compress it again, or send it as it is."
            ) from None
        if len(found) > limit:
            return bytes(found)
        if not machine.eof:
            raise refusal("broken_gzip", "The gzip body ends too early. Send it again, whole.")
        raw = machine.unused_data
    raise refusal("broken_gzip", f"The gzip body has more than {_MAX_MEMBERS} members. Compress it in one piece.")


def parse_object(body: bytes) -> dict[str, Any]:
    """The JSON object of a body. Raises a 400."""
    try:
        parsed = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise refusal("malformed_json", "The body is not valid JSON. Send one JSON object in UTF-8.") from None
    if not isinstance(parsed, dict):
        raise refusal("malformed_json", "The body is one JSON object.")
    return parsed


def text(item: Any) -> bytes:
    """An item as JSON; of one that is nested too deeply to be written, that it is."""
    try:
        return orjson.dumps(item)
    except TypeError:
        return b'"nested too deeply to be shown"'
