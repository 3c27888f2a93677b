"""Coupon codes: 12 random characters and a check character, of an alphabet without look-alikes. Pure but for chance."""

import secrets

ALPHABET = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
_BASE = len(ALPHABET)
_PAIRS = [first + second for first in ALPHABET for second in ALPHABET]
_LENGTH = 12
_SPACE = _BASE**_LENGTH
_VALUES = {character: value for value, character in enumerate(ALPHABET)}


def new_code() -> str:
    """13 characters with 59 random bits; the last one catches any single wrong character and any swap of neighbours."""
    number = secrets.randbelow(_SPACE)
    body, weighted = "", 0
    for weight in range(1, _LENGTH, 2):
        number, pair = divmod(number, _BASE * _BASE)
        body += _PAIRS[pair]
        weighted += weight * (pair // _BASE) + (weight + 1) * (pair % _BASE)
    return body + ALPHABET[weighted % _BASE]


def check_character(body: str) -> str:
    """Weighted sum modulo 31, a prime: the weights 1 to 12 differ, so swapped neighbours show."""
    return ALPHABET[sum(weight * _VALUES[character] for weight, character in enumerate(body, 1)) % _BASE]


def well_formed(code: str) -> bool:
    """True when the code could be one of ours, found without a look-up."""
    return len(code) == _LENGTH + 1 and all(one in _VALUES for one in code) and check_character(code[:-1]) == code[-1]
