"""Which column of a CSV file holds what: names that are recognised, and `--map column=field` for all others."""

import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain

from shared.language import say
from suite.importing.exports import Export, export_of, without_buyer

# field -> header names that mean it, compared without case, blanks, `_` and `-`; the Chinese ones are those of shop exports.
KNOWN: Mapping[str, tuple[str, ...]] = {
    "order_id": ("invoiceno", "invoice", "orderid", "orderno", "ordernumber", "订单号", "订单编号", "主订单编号"),
    "customer_id": ("customerid", "customer", "userid", "memberid", "客户id", "客户编号", "会员id", "会员号", "买家id"),
    "at": (
        "invoicedate",
        "orderdate",
        "orderedat",
        "completedat",
        "createdat",
        "date",
        "下单时间",
        "订单时间",
        "付款时间",
        "订单付款时间",
    ),
    "sku": ("stockcode", "sku", "productid", "productcode", "商品编码", "商家编码", "商品id"),
    "name": ("description", "productname", "title", "商品名称", "商品标题", "宝贝标题"),
    "quantity": ("quantity", "qty", "units", "数量", "购买数量", "商品数量"),
    "unit_price": ("unitprice", "price", "单价", "商品单价", "商品价格"),
    "total": ("total", "ordertotal", "amount", "实付金额", "订单金额", "总金额", "买家实付金额"),
    "country": ("country", "国家", "国家/地区"),
    "currency": ("currency", "币种", "货币"),
    "status": ("status", "orderstatus", "paymentstatus", "订单状态", "交易状态"),
}
ALIASES = {
    "ordered_at": "at",
    "created_at": "at",
    "paid_at": "at",
    "time": "at",
    "order_no": "order_id",
    "price": "unit_price",
}
"""What others call a field."""
ALWAYS = ("order_id", "customer_id", "at")
LINES = ("sku", "quantity", "unit_price")
ONLINE_RETAIL = (
    "invoiceno",
    "stockcode",
    "description",
    "quantity",
    "invoicedate",
    "unitprice",
    "customerid",
    "country",
)


class ColumnsError(ValueError):
    """The header and the mapping do not give what an order needs; the message says what to add."""


@dataclass(frozen=True)
class Columns:
    """`position[field]` are the indexes of the cells that may hold it, the best first; `by_line` tells product lines from one
    row per order. `export` is the shop system's, if it is a known one.
    """

    header: tuple[str, ...]
    position: Mapping[str, tuple[int, ...]]
    by_line: bool
    online_retail: bool = field(default=False)
    export: Export | None = field(default=None)


def recognise(header: Sequence[str], mapping: Mapping[str, str]) -> Columns:
    """Find every field's column: the caller's mapping (`column -> field`) first, then a known export's, then the known names."""
    names = tuple(plain_cell(name) for name in header)
    position: dict[str, tuple[int, ...]] = {meaning: (index,) for meaning, index in _mapped(names, mapping).items()}
    export = export_of(names)
    for meaning, columns in (export.columns if export else {}).items():
        found = tuple(names.index(name) for name in columns if name in names)
        if found and meaning not in position:
            # One kind of name for all customers: of two, the same person would become two.
            position[meaning] = found[:1] if meaning == "customer_id" else found
    taken = set(chain.from_iterable(position.values()))
    for index, name in enumerate(names):
        meaning = next((f for f, known in KNOWN.items() if _plain(name) in known), "")
        if meaning and meaning not in position and index not in taken and not (export and meaning in export.columns):
            position[meaning] = (index,)
    by_line = all(name in position for name in LINES)
    missing = [name for name in ALWAYS if name not in position]
    if not by_line and "total" not in position:
        missing += [name for name in LINES if name not in position]
    if missing:
        raise ColumnsError(_missing(names, missing, set(chain.from_iterable(position.values()))))
    if by_line and export is None:
        position.pop("total", None)  # the row's, or the whole order's? The lines say it
    standard = not mapping and all(_plain(name) in {_plain(n) for n in names} for name in ONLINE_RETAIL)
    return Columns(names, position, by_line, online_retail=standard, export=export)


def plain_cell(text: str) -> str:
    """The text itself: exports keep long numbers from a spreadsheet by a tab, an apostrophe or as ="123"."""
    text = text.strip().lstrip("\ufeff")
    if text.startswith('="') and text.endswith('"') and len(text) > 2:
        return text[2:-1].strip()
    return text[1:] if re.match(r"['=]\d", text) else text


def _missing(names: Sequence[str], missing: Sequence[str], used: set[int]) -> str:
    fields, columns = ", ".join(missing), ", ".join(names)
    free = next((name for index, name in enumerate(names) if index not in used), names[0])
    sentence = say(
        f"No column found for {fields}. The file has the columns {columns}; "
        f"say which is which, for example --map '{free}={missing[0]}'.",
        f"找不到这些字段的列：{fields}。文件的列有 {columns}；请指明哪一列是什么，例如 --map '{free}={missing[0]}'。",
    )
    if not without_buyer(names):
        return sentence
    return say(
        f"{sentence} Taobao's report of products names no buyer: export the report of orders 订单报表.",
        f"{sentence}淘宝的宝贝报表不含买家，请导出订单报表。",
    )


def parse_mapping(pairs: Sequence[str]) -> dict[str, str]:
    """`["买家=customer_id", …]` to `{"买家": "customer_id", …}`; raises ColumnsError for what is not `column=field`."""
    mapping: dict[str, str] = {}
    for pair in pairs:
        column, equals, meaning = pair.rpartition("=")
        if not equals or not column.strip() or not meaning.strip():
            fields = ", ".join(KNOWN)
            raise ColumnsError(
                say(
                    f"--map wants column=field, not {pair!r}. Fields are {fields}.",
                    f"--map 的写法是 列名=字段，而不是 {pair!r}。字段有 {fields}。",
                )
            )
        mapping[column.strip()] = meaning.strip()
    return mapping


def _mapped(names: tuple[str, ...], mapping: Mapping[str, str]) -> dict[str, int]:
    position: dict[str, int] = {}
    fields, columns = ", ".join(KNOWN), ", ".join(names)
    for column, meaning in mapping.items():
        if meaning not in KNOWN:
            near = _near(meaning, KNOWN)
            raise ColumnsError(
                say(
                    f"There is no field {meaning!r}{near}. Fields are {fields}.",
                    f"没有字段 {meaning!r}{near}。字段有 {fields}。",
                )
            )
        if column not in names:
            near = _near(column, names)
            raise ColumnsError(
                say(
                    f"The file has no column {column!r}{near}. Its columns are {columns}.",
                    f"文件里没有列 {column!r}{near}。它的列有 {columns}。",
                )
            )
        if meaning in position:
            raise ColumnsError(
                say(f"Two columns are mapped to {meaning}; name only one.", f"有两列映射到 {meaning}，只能指定一列。")
            )
        position[meaning] = names.index(column)
    return position


def _near(word: str, among: Sequence[str] | Mapping[str, object]) -> str:
    close = difflib.get_close_matches(word, list(among), n=1)
    # `--map 下单时间=ordered_at`: what the API calls it
    named = ALIASES.get(word, close[0] if close else None)
    return say(f" (did you mean {named!r}?)", f"（是不是 {named!r}？）") if named else ""


def _plain(name: str) -> str:
    return re.sub(r"[\s_\-]", "", name).lower()
