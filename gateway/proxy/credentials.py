"""Where a request carries its key: `Authorization: Bearer`, `X-API-Key`, and for tracking calls the Segment manners."""

import base64
import binascii
import gzip
import io
import zlib

from pydantic_core import from_json

from shared.web import BadRequest, TooLarge

_INFLATED_MOST = 4 << 20


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


def from_body(body: bytes, encoding: bytes) -> str | None:
    """`writeKey` of a tracking body, perhaps gzipped. None when there is none or the body is no JSON.

    Raises BadRequest for broken gzip, TooLarge for one that inflates beyond all measure.
    """
    if encoding.lower() == b"gzip":
        body = _inflate(body)
    try:
        document = from_json(body)
    except ValueError:
        return None
    key = document.get("writeKey") if isinstance(document, dict) else None
    return key if isinstance(key, str) else None


def _inflate(body: bytes) -> bytes:
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(body)) as file:
            inflated = file.read(_INFLATED_MOST + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise BadRequest("broken_gzip", "The body says that it is gzip but can't be unpacked.") from error
    if len(inflated) > _INFLATED_MOST:
        raise TooLarge("body_too_large", "The unpacked body is too large. Send smaller batches.")
    return inflated
