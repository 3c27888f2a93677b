"""Bodies that come compressed are unpacked step by step and within bounds: a small one can't become a great deal of work."""

import zlib
from collections.abc import Iterator

_STEP = 64 * 1024
_MOST_MEMBERS = 16


class BrokenGzip(Exception):
    """The bytes can't be unpacked; `args[0]` says what to do."""


def says_gzip(encoding: str) -> bool:
    """True for the `Content-Encoding` of a body that `unpacked` reads."""
    return encoding.strip().lower() in ("gzip", "x-gzip")


def unpacked(raw: bytes, limit: int) -> Iterator[bytes]:
    """What the gzip body `raw` unpacks to, in steps, and not more than `limit` bytes and one. Raises BrokenGzip."""
    left = limit + 1
    for _ in range(_MOST_MEMBERS):
        member = zlib.decompressobj(wbits=31)
        while not member.eof:
            try:
                step = member.decompress(raw, min(_STEP, left))
            except zlib.error:
                raise BrokenGzip("The body is not valid gzip. Compress it again, or send it as it is.") from None
            raw = member.unconsumed_tail
            if step:
                yield step
            elif not raw and not member.eof:
                raise BrokenGzip("The gzip body ends too early. Send it again, whole.")
            left -= len(step)
            if not left:
                return
        raw = member.unused_data
        if not raw:
            return
    raise BrokenGzip(f"The gzip body consists of more than {_MOST_MEMBERS} members. Compress it in one piece.")
