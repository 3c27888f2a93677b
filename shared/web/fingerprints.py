"""Is it the same request? Fingerprints of what was sent, kept beside what it did."""

import hashlib
from typing import Any

import orjson
from pydantic import BaseModel


def fingerprint(sent: BaseModel | Any) -> str:
    """Equal for two bodies that ask for the same, whatever the order of their fields.

    Fields at their default count as not sent: when a release adds a field, what was stored before still compares. (So a field
    that tells the members of a union apart must have no default.)
    """
    plain = sent.model_dump(mode="json", exclude_defaults=True) if isinstance(sent, BaseModel) else sent
    return hashlib.sha256(orjson.dumps(plain, option=orjson.OPT_SORT_KEYS)).hexdigest()
