"""A partner's body as an operator may see it: its structure, ids and codes; of people nothing. Pure.

It must be enough to mend a mapping by: names of fields, types, states, amounts and ids of orders stay, for they tell nobody who
bought.
"""

import re
from typing import Any

from pydantic_core import from_json

from shared.observability.masks import mask

_PERSONAL = re.compile(
    r"name|nick|phone|mobile|tel|mail|addr|receiver|consignee|buyer|contact|open_?id|union_?id|id_?card|card_?no|payer|remark|memo"
    r"|note|message|user|nonce|birth|district|town|street|姓名|手机|电话|地址|收件|备注|身份证",
    re.IGNORECASE,
)
_CODE = re.compile(r"[A-Za-z0-9_.:/+ -]{1,64}")
_DEEPEST = 12
HIDDEN = "…"


def masked(value: Any, name: str = "", depth: int = 0) -> Any:
    """`value` with each text hidden that stands under a name of something personal or is no code; JSON in a text is opened.

    Numbers stay unless they stand under such a name, or look like a phone.
    """
    if depth > _DEEPEST:
        return HIDDEN
    if isinstance(value, dict):
        return {mask(str(key)): masked(inside, str(key), depth + 1) for key, inside in value.items()}
    if isinstance(value, list):
        return [masked(inside, name, depth + 1) for inside in value]
    if isinstance(value, str) and value.lstrip()[:1] in ("{", "["):
        try:
            return masked(from_json(value), name, depth + 1)
        except ValueError:
            return HIDDEN
    if value is None or isinstance(value, bool):
        return value
    text = str(value)
    if _PERSONAL.search(name) or not _CODE.fullmatch(text):
        return HIDDEN
    shown = mask(text)
    return shown if shown != text or isinstance(value, str) else value
