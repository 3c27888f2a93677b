"""One document in English, one in Chinese: the same operations under the same ids, told in one language each.

An operation's Chinese stands in its route (`shared.web.chinese`), a chapter's in `tags.py`, a parameter's in `parameters.py`.
What schemas say of their fields is English in both.
"""

import re
from typing import Any, Literal
from urllib.parse import parse_qs

from gateway.docs import tags
from gateway.docs.parameters import all_described, describe
from shared.web.chinese import WORD

Language = Literal["en", "zh"]
_RANGE = re.compile(r"(zh|en)?[\w*-]*(?:\s*;\s*q=([\d.]+))?", re.IGNORECASE | re.ASCII)
_LONGEST_WISH = 200
INTRODUCTION = {
    "en": """One door for coupons 优惠券, segments 人群, journeys 旅程 and stock 库存.

Send your key as `Authorization: Bearer qy_live_…`. Money is an integer in the currency's minor unit, rates are basis points,
times are RFC 3339 text with offset. Every answer that is no success is a problem document (RFC 9457): its `detail` says what to
do, its `code` is stable. Unsafe calls take an optional `Idempotency-Key`. Lists answer `data`, `has_more` and `next_cursor`.
What an operation does not read (a parameter, a field, a body) is refused. Texts of the format `external-id` are ids of your own:
no blanks at the ends, nothing invisible, NFC.
""",
    "zh": """优惠券、人群、旅程、库存，一个入口。

以 `Authorization: Bearer qy_live_…` 提供密钥。金额是货币最小单位的整数（分），比率是万分比，时间是带时区偏移的 RFC 3339
文本。凡是不成功的应答都是问题文档（RFC 9457）：`detail` 说明该怎么做，`code` 稳定不变。会改变数据的调用可以带
`Idempotency-Key`。列表应答含 `data`、`has_more` 和 `next_cursor`。操作不读取的参数、字段或请求体一律拒绝。格式为
`external-id` 的文本是你自己的编号：首尾没有空白，没有不可见字符，NFC 规范化。
""",
}
_RESPONSES = {
    "Problem": "问题文档（RFC 9457）",
    "Failure": "我们这边出错了：问题文档",
    "BadRequest": "请求读不懂，或自相矛盾",
    "Unauthorized": "不知道是谁发来的",
    "Forbidden": "知道是谁，但不允许",
    "NotFound": "没有这个对象，或不属于此调用方",
    "Conflict": "对象的状态，或另一个请求，不允许这样做",
    "Gone": "曾经有，时间已过",
    "TooLarge": "超过一次所能接收的量",
    "Unprocessable": "格式正确，但违反规则",
    "TooManyRequests": "太多了，请稍后再试",
    "Unavailable": "现在不行，请重试",
}
_SUCCESS = {"Successful Response": "成功", "Success": "成功", "A file": "文件", "An SVG document": "SVG 图片"}
_SCHEMES = {
    "session": "已登录操作员的会话 Cookie",
    "csrfToken": "随会话 Cookie 一起发送",
    "bearer": "你的密钥：`Authorization: Bearer qy_live_…`",
    "apiKey": "同一密钥，放在 `X-API-Key` 中",
    "writeKey": "仅用于行为上报：密钥作为用户名",
}


def chosen(query: bytes, accepted: str | None) -> Language:
    """The language of a page: what `?lang=` says, else what the browser would rather have (Accept-Language), else English."""
    said = parse_qs(query.decode("latin-1")).get("lang", [""])[-1].lower()
    if said[:2] in ("en", "zh"):
        return "zh" if said[:2] == "zh" else "en"
    wishes: dict[str, float] = {}
    for one in (accepted or "")[:_LONGEST_WISH].split(","):
        found = _RANGE.fullmatch(one.strip())
        if found and found[1]:
            weight = float(found[2]) if found[2] and re.fullmatch(r"[01](\.\d{0,3})?", found[2]) else 1.0
            wishes[found[1].lower()] = max(weight, wishes.get(found[1].lower(), 0))
    first = next(iter(wishes), "en")
    english, chinese = wishes.get("en", 0), wishes.get("zh", 0)
    return "zh" if chinese > english or (chinese == english > 0 and first == "zh") else "en"


def tell(document: dict[str, Any], language: Language) -> dict[str, Any]:
    """The merged document in that language; the document itself is changed."""
    chinese = language == "zh"
    document["info"]["description"] = INTRODUCTION[language]
    used = set()
    for item in (*document["paths"].values(), *document["webhooks"].values()):
        for operation in item.values():
            used.update(operation["tags"])
            _operation(operation, chinese)
    document["tags"] = tags.listed(used, chinese)
    components = document["components"]
    all_described(components["parameters"], chinese)
    all_described(components["headers"], chinese)
    if chinese:
        for name, response in components["responses"].items():
            response["description"] = _RESPONSES.get(name, response["description"])
        for name, scheme in components["securitySchemes"].items():
            scheme["description"] = _SCHEMES[name]
    return document


def _operation(operation: dict[str, Any], chinese: bool) -> None:
    told = operation.pop(WORD, None)
    for holder in operation.get("parameters", ()):
        if "$ref" not in holder:
            describe(holder, chinese)
    if not chinese:
        return
    operation.update(told or {})
    operation["tags"] = [tags.IN_CHINESE.get(tag, tag) for tag in operation["tags"]]
    for status, answer in operation.get("responses", {}).items():
        if status[0] == "2":
            answer["description"] = _SUCCESS.get(answer["description"], answer["description"])
