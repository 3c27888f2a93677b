"""JSON pointers (RFC 6901): where in a partner's body something stands. Pure.

They walk into a text that holds JSON as if it were no text: marketplaces wrap what they tell (`content`, `data`,
`360buy_param_json`).
"""

import re
from typing import Any

from pydantic_core import from_json

SHAPE = re.compile(r"(?:/(?:[^~/]|~[01])*)*")
_INDEX = re.compile(r"0|[1-9][0-9]{0,8}")
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


def _inside(text: str) -> Any:
    try:
        return from_json(text, allow_inf_nan=False) if text.lstrip()[:1] in ("{", "[") else MISSING
    except ValueError:
        return MISSING
