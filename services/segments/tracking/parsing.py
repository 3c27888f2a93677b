"""From the raw bytes of a tracking call to JSON: gzip with a bound, size limits, whatever the content type says."""

from typing import Any

import orjson

from shared.web import BadRequest, Problem
from shared.web.gzipped import BrokenGzip, says_gzip, unpacked

MAX_EVENT = 32 * 1024
MAX_BATCH = 500 * 1024
MAX_MERGED = 4 * 1024 * 1024


def refusal(code: str, detail: str) -> Problem:
    """A problem as the SDKs read it: they look for `code` and `message`."""
    return BadRequest(code, detail, message=detail)


def inflate(raw: bytes, encoding: str | None, limit: int) -> bytes:
    """The body as it was before compression. Raises a 400 for broken gzip and for more than `limit` bytes."""
    encoding = encoding or "identity"
    if raw[:2] == b"\x1f\x8b" or says_gzip(encoding):
        try:
            raw = b"".join(unpacked(raw, limit))
        except BrokenGzip as broken:
            raise refusal("broken_gzip", broken.args[0]) from None
    elif encoding.strip().lower() != "identity":
        raise refusal("unsupported_encoding", "Send the body as it is or with Content-Encoding: gzip.")
    if len(raw) > limit:
        raise refusal(
            "body_too_large", f"The body holds at most {limit // 1024} KB after inflating; send smaller batches."
        )
    return raw


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
