"""Personal values and secrets, made unreadable wherever text leaves the process; and what does not show, made visible."""

import re
import unicodedata

_EMAIL = re.compile(r"([A-Za-z0-9])[A-Za-z0-9._%+-]*@([A-Za-z0-9.-]+\.[A-Za-z]{2,})")
_PHONE = re.compile(r"(?<![\w-])(\+?\d{1,3}[- ]?)?(1[3-9]\d)[- ]?\d{4}[- ]?(\d{4})(?![\w-])")
_PHONE_ABROAD = re.compile(r"(?<![\w+-])(\+\d{1,3})(?:[ -]?\d){5,11}[ -]?(\d{2})(?![\w-])")
_OPEN_ID = re.compile(r"(?<![\w-])(?=[\w-]*[A-Z])(?=[\w-]*[a-z])(?=[\w-]*\d)(o[\w-]{3})[A-Za-z0-9_-]{24}(?![\w-])")
"""微信 openid and unionid: 28 characters, of which the first is an o."""
_SECRET = re.compile(r"\b(qy_(?:live|test)_[a-z]{2}_|whsec_|qysec_)[A-Za-z0-9+/=_-]+")
_URL_PASSWORD = re.compile(r"(\w+://[^:/@\s]*:)[^@/\s]+@")


def mask(text: str) -> str:
    """`text` without phone numbers, e-mail addresses, openids, keys and passwords in URLs."""
    text = _SECRET.sub(r"\1…", text)
    text = _URL_PASSWORD.sub(r"\1…@", text)
    text = _EMAIL.sub(r"\1…@\2", text)
    text = _PHONE.sub(r"\1\2****\3", text)
    text = _PHONE_ABROAD.sub(r"\1****\2", text)
    return _OPEN_ID.sub(r"\1…", text)


def visible(text: str, keep: str = "\n\t") -> str:
    """`text` with whatever does not show, but for `keep`, spelled out: an escape sequence could rewrite a terminal's lines."""
    if text.isprintable():
        return text
    return "".join(one if _shows(one) or one in keep else _spelled(one) for one in text)


def _shows(character: str) -> bool:
    return character.isprintable() or unicodedata.category(character) == "Zs"  # a Chinese space, too


def _spelled(character: str) -> str:
    return character.encode("unicode_escape", "surrogatepass").decode("ascii")
