"""Which column of a CSV file holds what: names that are recognised, and `--map column=field` for all others."""

import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

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
}
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
    """`position[field]` is the index of the cell; `by_line` tells product lines from one row per order."""

    header: tuple[str, ...]
    position: Mapping[str, int]
    by_line: bool
    online_retail: bool = field(default=False)


def recognise(header: Sequence[str], mapping: Mapping[str, str]) -> Columns:
    """Find every field's column: the caller's mapping (`column -> field`) first, then the known names."""
    names = tuple(name.strip() for name in header)
    position = _mapped(names, mapping)
    taken = set(position.values())
    for index, name in enumerate(names):
        meaning = next((f for f, known in KNOWN.items() if _plain(name) in known), None)
        if meaning is not None and meaning not in position and index not in taken:
            position[meaning] = index
    by_line = all(name in position for name in LINES)
    missing = [name for name in ALWAYS if name not in position]
    if not by_line and "total" not in position:
        missing += [name for name in LINES if name not in position]
    if missing:
        raise ColumnsError(
            f"No column found for {', '.join(missing)}. The file has the columns {', '.join(names)}; "
            f"say which is which, for example --map '{names[0]}={missing[0]}'."
        )
    standard = not mapping and all(_plain(name) in {_plain(n) for n in names} for name in ONLINE_RETAIL)
    return Columns(names, position, by_line, online_retail=standard)


def parse_mapping(pairs: Sequence[str]) -> dict[str, str]:
    """`["买家=customer_id", …]` to `{"买家": "customer_id", …}`; raises ColumnsError for what is not `column=field`."""
    mapping: dict[str, str] = {}
    for pair in pairs:
        column, equals, meaning = pair.rpartition("=")
        if not equals or not column.strip() or not meaning.strip():
            raise ColumnsError(f"--map wants column=field, not {pair!r}. Fields are {', '.join(KNOWN)}.")
        mapping[column.strip()] = meaning.strip()
    return mapping


def _mapped(names: tuple[str, ...], mapping: Mapping[str, str]) -> dict[str, int]:
    position: dict[str, int] = {}
    for column, meaning in mapping.items():
        if meaning not in KNOWN:
            raise ColumnsError(f"There is no field {meaning!r}{_near(meaning, KNOWN)}. Fields are {', '.join(KNOWN)}.")
        if column not in names:
            raise ColumnsError(
                f"The file has no column {column!r}{_near(column, names)}. Its columns are {', '.join(names)}."
            )
        if meaning in position:
            raise ColumnsError(f"Two columns are mapped to {meaning}; name only one.")
        position[meaning] = names.index(column)
    return position


def _near(word: str, among: Sequence[str] | Mapping[str, object]) -> str:
    close = difflib.get_close_matches(word, list(among), n=1)
    return f" (did you mean {close[0]!r}?)" if close else ""


def _plain(name: str) -> str:
    return re.sub(r"[\s_\-]", "", name).lower()
