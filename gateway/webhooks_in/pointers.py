"""JSON pointers (RFC 6901): where in a partner's body something stands. Pure.

They walk into a text that holds JSON as if it were no text: marketplaces wrap what they tell (`content`, `data`,
`360buy_param_json`).
"""

import re
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from pydantic_core import from_json

SHAPE = re.compile(r"(?:/(?:[^~/]|~[01])*)*")
_INDEX = re.compile(r"0|[1-9][0-9]{0,8}")
_AMOUNT = re.compile(r"[0-9]{1,15}(?:\.[0-9]{1,6})?")
MISSING: Any = object()
"""What `found` answers where there is nothing: JSON's null is something."""


def found(document: Any, pointer: str) -> Any:
    """What stands at `pointer` (of the right shape; `""` is the whole document), or MISSING."""
    for part in pointer.split("/")[1:]:
        name = part.replace("~1", "/").replace("~0", "~")
        if isinstance(document, str):
            document = _inside(document)
        if isinstance(document, dict) and name in document:
            document = document[name]
        elif isinstance(document, list) and _INDEX.fullmatch(name) and int(name) < len(document):
            document = document[int(name)]
        else:
            return MISSING
    return document


def places(where: str | Sequence[str]) -> Sequence[str]:
    """One pointer or several, as several."""
    return (where,) if isinstance(where, str) else where


def first(document: Any, where: str | Sequence[str]) -> Any:
    """What stands at the first of these pointers where something does; MISSING, and not null, where nothing does."""
    for pointer in places(where):
        value = found(document, pointer)
        if value is not MISSING and value is not None:
            return value
    return MISSING


def amount(value: Any) -> Decimal | None:
    """An amount, of a number or of a text such as "89.00"; None for what is none."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    text = str(value)
    return Decimal(text) if _AMOUNT.fullmatch(text) else None


def _inside(text: str) -> Any:
    try:
        return from_json(text, allow_inf_nan=False) if text.lstrip()[:1] in ("{", "[") else MISSING
    except ValueError:
        return MISSING
