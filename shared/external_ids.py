"""Ids of the merchant's own 商家自己的编号: what they may hold, so that two that look alike are alike.

Ids are compared character by character and never changed on their way in. So an id that a person can't tell from another is
refused: blanks at its ends, characters that nobody sees, and letters put together in another way than everybody's (NFC).
A plain space between other characters is one that people see, and stays.
"""

import re
import unicodedata
from typing import Annotated

from pydantic import AfterValidator, Field, StringConstraints
from pydantic_core import PydanticCustomError

LONGEST = 200
FORMAT = "external-id"
"""How the OpenAPI document marks them."""

# Letters, marks and symbols by their category, yet nothing to see: Unicode's Default_Ignorable_Code_Point, and the blank
# braille pattern. U+FFFD stands for a character that was lost when a text was read in a wrong encoding.
_UNSEEN = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\ufffd\U000e0100-\U000e01ef]"
)
_KINDS = {
    "Cc": "a control character",
    "Cf": "an invisible character",
    "Cs": "half a character",
    "Co": "a character of private use",
    "Cn": "no character",
    "Zs": "a blank other than the plain space",
    "Zl": "a line break",
    "Zp": "a line break",
}


def fault_of(text: str) -> str | None:
    """What is wrong with `text` as an id, in a few words that say which character it is and where; None for a sound one."""
    if not 0 < len(text) <= LONGEST:
        return f"it must have 1 to {LONGEST} characters"
    if not text.isprintable() or text[0] == " " or text[-1] == " ":
        return _blank_at_an_end(text) or _not_printable(text)
    return None if text.isascii() else _unseen(text) or _not_composed(text)


def shown(text: str) -> str:
    """`text` as a person can read it: what nobody sees by its number (`c1<U+200B>`), cut to the length of an id."""
    seen = (_named(one) if one != " " and (not one.isprintable() or _UNSEEN.match(one)) else one for one in text)
    return "".join(f"<{one}>" if len(one) > 1 else one for one in seen)[:LONGEST]


def _blank_at_an_end(text: str) -> str | None:
    for at, end in ((0, "begins"), (-1, "ends")):
        if text[at].isspace():
            return f"it {end} with a blank, {_named(text[at])}; take it off"
    return None


def _not_printable(text: str) -> str:
    place, found = next((place, one) for place, one in enumerate(text, 1) if not one.isprintable())
    return f"character {place} is {_named(found)}, {_KINDS[unicodedata.category(found)]}; take it out"


def _unseen(text: str) -> str | None:
    found = _UNSEEN.search(text)
    if found is None:
        return None
    kind = "which stands for one that was lost" if found[0] == "\ufffd" else _KINDS["Cf"]
    return f"character {found.start() + 1} is {_named(found[0])}, {kind}; take it out"


def _not_composed(text: str) -> str | None:
    if unicodedata.is_normalized("NFC", text):
        return None
    composed = unicodedata.normalize("NFC", text)
    at = next((at for at, (one, two) in enumerate(zip(text, composed, strict=False)) if one != two), len(composed))
    return f"from character {at + 1} on ({_named(text[at])}) it is not in Unicode's form NFC; write it in that form"


def _named(character: str) -> str:
    return f"U+{ord(character):04X}"


def sound(text: str) -> str:
    """`text`, if it can be an id. Raises PydanticCustomError."""
    fault = fault_of(text)
    if fault is not None:
        raise PydanticCustomError("unclear_id", "This can't be an id: {fault}", {"fault": fault})
    return text


ExternalId = Annotated[
    str,
    StringConstraints(min_length=1, max_length=LONGEST),
    Field(json_schema_extra={"format": FORMAT}),
    AfterValidator(sound),
]
"""An id of the merchant's own (customer, order, SKU, product, channel …), or a name by which things find each other, such as
an event's.
"""
