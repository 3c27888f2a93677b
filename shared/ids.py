"""Prefixed ids that sort by the time they were made: `cpn_01JD…` (prefix, then a UUIDv7 in Crockford's base32)."""

import uuid_utils

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_PAIRS = [high + low for high in _ALPHABET for low in _ALPHABET]
_SHIFTS = tuple(range(120, -1, -10))


def new_id(prefix: str) -> str:
    """A fresh id: `prefix`, an underscore and 26 characters. Ids of one process sort by their making."""
    value = uuid_utils.uuid7().int
    return prefix + "_" + "".join([_PAIRS[(value >> shift) & 1023] for shift in _SHIFTS])
