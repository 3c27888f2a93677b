"""Which paths are plain enough to be authorised: one spelling per resource, so that gateway and service see the same path."""

import re

LONGEST = 8192
_PLAIN = re.compile(rb"/|(?:/(?!\.{1,2}(?:/|$))[A-Za-z0-9_~:@!$&'()*+,;=.-]+)+/?")
_CHARACTERS = re.compile(rb"[/%A-Za-z0-9_~:@!$&'()*+,;=.-]*")
_ESCAPE = re.compile(rb"%([0-9A-Fa-f]{2})?")
_TWICE = re.compile(rb"%25(?:2[EeFf5]|5[Cc]|[01][0-9A-Fa-f])")
_UNRESERVED = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")


class OddPath(Exception):
    """A path that could mean two things. `args[0]` says what is wrong with it."""


def check_path(raw: bytes) -> str:
    """`raw` as text, still percent-encoded, if it has exactly one meaning. Raises OddPath.

    Refused: dot segments, empty segments, backslashes, control characters, encoded slashes, characters encoded that need
    no encoding (`%61` is another spelling of `a`), things encoded twice, and what is no UTF-8.
    """
    if len(raw) <= LONGEST and _PLAIN.fullmatch(raw):
        return raw.decode("ascii")
    wrong = _wrong(raw)
    if wrong:
        raise OddPath(wrong)
    return raw.decode("ascii")


def _wrong(raw: bytes) -> str | None:
    if len(raw) > LONGEST:
        return f"The path is longer than {LONGEST} bytes."
    if not raw.startswith(b"/"):
        return "The request target must be a path."
    if not _CHARACTERS.fullmatch(raw):
        return "The path holds a character that must be percent-encoded."
    if b"//" in raw:
        return "The path holds an empty segment (//)."
    if any(segment in (b".", b"..") for segment in raw.split(b"/")):
        return "The path holds a dot segment."
    if _TWICE.search(raw):
        return "The path is percent-encoded twice."
    for found in _ESCAPE.finditer(raw):
        code = int(found[1], 16) if found[1] else None
        if code is None:
            return "The path holds a percent sign without two hexadecimal digits."
        if code < 0x20 or code in b"/\\\x7f":
            return "The path holds an encoded slash, backslash or control character."
        if code in _UNRESERVED:
            return "The path encodes a character that needs no encoding."
    try:
        _ESCAPE.sub(lambda found: bytes([int(found[1], 16)]), raw).decode()
    except UnicodeDecodeError:
        return "The path is not UTF-8."
    return None
