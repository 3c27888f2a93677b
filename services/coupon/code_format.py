"""Codes that people type: random characters of an alphabet without look-alikes, and a check character. Pure but for chance."""

import re
import secrets
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from typing import Annotated

from pydantic import StringConstraints

from shared.web.schemas import Text

Typed = Annotated[Text, StringConstraints(min_length=1, max_length=100)]
"""A code as somebody typed it."""
ALPHABET = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
MOST_PREFIX = 8
_BASE = len(ALPHABET)
_LENGTH = 12
_SPACE = _BASE**_LENGTH
_VALUES = {character: value for value, character in enumerate(ALPHABET)}
_PAIRS = [first + second for first in ALPHABET for second in ALPHABET]
_LOOK_ALIKES = {"0": "DQ", "O": "DQ", "1": "7JT", "I": "7JT", "L": "7JT"}
"""Characters that no code of ours holds, and those of ours that may have been read so."""
LEAST_PUBLIC, MOST_PUBLIC = 3, 40
_LOOKING_ALIKE = frozenset(("LATIN", "CYRILLIC", "GREEK"))
_SEPARATORS = "_\u2212\u0640"
_UNSEEN = re.compile("[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\ufe00-\ufe0f\uffa0\U000e0000-\U000e0fff]")
"""Unicode's Default_Ignorable_Code_Point, but for those of category C."""


def new_code(prefix: str = "") -> str:
    """`prefix` and 13 characters with 59 random bits; the last one is the check character of all before it."""
    return next(new_codes(prefix) if prefix else _PLAIN)


def new_codes(prefix: str = "") -> Iterator[str]:
    """Codes without end. `prefix` holds at most MOST_PREFIX characters of the alphabet."""
    fixed = _weighted(prefix)
    places = _places(len(prefix) + 1)
    while True:
        number = secrets.randbelow(_SPACE)
        body, weighted = prefix, fixed
        for sums in places:
            number, pair = divmod(number, _BASE * _BASE)
            body += _PAIRS[pair]
            weighted += sums[pair]
        yield body + ALPHABET[weighted % _BASE]


@lru_cache(maxsize=MOST_PREFIX + 1)
def _places(first: int) -> list[list[int]]:
    """What each pair of characters adds to the weighted sum, by its place: one look-up for two characters."""
    return [
        [weight * high + (weight + 1) * low for high in range(_BASE) for low in range(_BASE)]
        for weight in range(first, first + _LENGTH, 2)
    ]


def check_character(body: str) -> str:
    """Weighted sum modulo 31, a prime: the weights 1 to 20 differ, so a wrong character and swapped neighbours show."""
    return ALPHABET[_weighted(body) % _BASE]


def _weighted(body: str) -> int:
    return sum(weight * _VALUES[character] for weight, character in enumerate(body, 1))


def well_formed(code: str) -> bool:
    """True when the code could be one of ours, found without a look-up."""
    fits = _LENGTH < len(code) <= MOST_PREFIX + _LENGTH + 1 and all(one in _VALUES for one in code)
    return fits and check_character(code[:-1]) == code[-1]


def normalised(typed: str) -> str:
    """What was typed, as codes are compared and are unique. Folding again changes nothing, and no change of case does.

    - Full width and other forms of a character are that character (NFKC); case makes no difference, in no language: ß is SS, and
      the four letters i, ı, I, İ of Turkish are one, as phones capitalise either way.
    - Spaces, dashes and whatever has no width (ZWJ, ZWNJ, soft hyphen, variation selectors, Arabic tatweel) are not there.
    - Digits of every script are digits. Accents, vowel signs and tones are kept: they are what the word is.
    """
    if typed.isascii() and typed.isalnum():
        return typed.upper()
    seen = "".join(one for one in unicodedata.normalize("NFKC", typed) if not _between(one))
    small = unicodedata.normalize("NFD", unicodedata.normalize("NFD", seen).casefold())
    return unicodedata.normalize("NFKC", "".join(_undotted(small)).upper())


def _between(character: str) -> bool:
    """Separators of all kinds: spaces, dashes, controls, what has no width."""
    return (
        character in _SEPARATORS
        or unicodedata.category(character)[0] in "ZC"
        or unicodedata.category(character) == "Pd"
        or _UNSEEN.fullmatch(character) is not None
    )


def _undotted(small: str) -> Iterator[str]:
    """Without what tells the i of one language from that of another: the dot that stays of a small İ, and a missing one."""
    after_i = False
    for one in small:
        plain = "i" if one == "\u0131" else one
        if not unicodedata.combining(plain):
            after_i = plain == "i"
        elif plain == "\u0307" and after_i:
            continue
        digit = unicodedata.decimal(plain, None)
        yield plain if digit is None else str(digit)


def readable(code: str) -> bool:
    """Whether shoppers of any language can type it: letters, digits and the marks on them, of scripts that are not mixed up.

    One word in Latin and Cyrillic or Greek letters looks like another that nobody would find.
    """
    key = normalised(code)
    kinds = [unicodedata.category(one) for one in key]
    letters = sum(kind[0] in "LN" for kind in kinds)
    if letters < LEAST_PUBLIC or len(key) > MOST_PUBLIC or kinds[0][0] == "M":
        return False
    alphabets = {unicodedata.name(one, "").partition(" ")[0] for one in key}
    return all(kind[0] in "LN" or kind in ("Mn", "Mc") for kind in kinds) and len(alphabets & _LOOKING_ALIKE) < 2


def corrected(code: str) -> str:
    """A normalised code with one look-alike put right (O for Q or D, 1 for 7, J or T), where the check character proves it.

    At a given place only one character fits the check character, so there is nothing to guess. Others stay as they are.
    """
    strangers = [place for place, character in enumerate(code) if character not in _VALUES]
    if len(strangers) != 1:
        return code
    place = strangers[0]
    tries = (code[:place] + one + code[place + 1 :] for one in _LOOK_ALIKES.get(code[place], ""))
    return next((one for one in tries if well_formed(one)), code)


_PLAIN = new_codes()
