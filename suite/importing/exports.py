"""The order exports of the shop systems that Chinese merchants use 电商平台导出的订单报表, known by the names of their columns.

The platforms publish no list of the columns, and rename some now and then; these are the names that programs read which
merchants run on real exports:

- Taobao and Tmall 淘宝/天猫, 订单报表 (a row for each order): `TaobaoSaledObject.java` of github.com/c2003070110/TBTool.
- JD 京东, 订单导出 (a row for each product; the order's amounts on each of them): `SaleJdOrderLineInfo.java` of
  github.com/howenx/sharp-admin. The account is 下单帐号 there; 下单账号 is taken too.
- Youzan 有赞, 订单报表 and 商品报表 (a row for each order, or for each product of it).

What the customer paid is on every row the whole order's, or the row's own share of it: `amount` says which.
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Literal

Names = tuple[str, ...]


@dataclass(frozen=True)
class Export:
    """One kind of file, known by one name of each of `signs`. Of several names for a field the first that is there counts."""

    title: str
    source: str
    signs: tuple[Names, ...]
    columns: Mapping[str, Names]
    amount: Literal["order", "row"] = "order"


_TAOBAO: Mapping[str, Names] = {
    "order_id": ("主订单编号", "订单编号"),
    "customer_id": ("买家会员名", "买家昵称", "买家支付宝账号"),
    "at": ("订单创建时间", "买家下单时间", "订单付款时间"),
    "total": ("买家实际支付金额", "买家实付金额"),
    "status": ("订单状态",),
    "sku": ("商家编码", "外部系统编号", "商品ID", "宝贝标题", "商品标题", "标题"),
    "name": ("宝贝标题", "商品标题", "标题"),
    "quantity": ("购买数量",),
    "unit_price": ("商品价格", "宝贝单价", "价格"),
}
_TAOBAO_SIGNS = (_TAOBAO["order_id"], _TAOBAO["customer_id"], _TAOBAO["total"])
_JD: Mapping[str, Names] = {
    "order_id": ("订单号", "订单编号"),
    "customer_id": ("下单帐号", "下单账号"),
    "at": ("下单时间", "付款确认时间"),
    "total": ("结算金额", "应付金额", "订单金额"),
    "status": ("订单状态",),
    "sku": ("商品ID", "商品编号", "货号", "商品名称"),
    "name": ("商品名称",),
    "quantity": ("订购数量", "商品数量"),
    "unit_price": ("京东价", "商品单价"),
}
_YOUZAN: Mapping[str, Names] = {
    "order_id": ("订单号",),
    "customer_id": ("买家手机号", "收货人手机号/提货人手机号", "买家昵称"),
    "at": ("订单创建时间", "买家付款时间"),
    "total": ("订单实付金额",),
    "status": ("订单状态", "订单商品状态"),
    "sku": ("规格编码", "商品编码", "商品ID", "商品名称"),
    "name": ("商品名称",),
    "quantity": ("商品数量",),
    "unit_price": ("商品单价", "商品优惠后价格"),
}
_YOUZAN_PAID = "商品实际成交金额"

EXPORTS = (
    Export("淘宝/天猫 (Taobao, Tmall)", "taobao", (("子订单编号",), *_TAOBAO_SIGNS), _TAOBAO, "row"),
    Export("淘宝/天猫 (Taobao, Tmall)", "taobao", _TAOBAO_SIGNS, _TAOBAO),
    Export("京东 (JD)", "jd", (_JD["order_id"], _JD["customer_id"], _JD["at"], _JD["total"]), _JD),
    Export("有赞 (Youzan)", "youzan", (_YOUZAN["order_id"], _YOUZAN["customer_id"], _YOUZAN["total"]), _YOUZAN),
    Export(
        "有赞 (Youzan)",
        "youzan",
        (_YOUZAN["order_id"], _YOUZAN["customer_id"], (_YOUZAN_PAID,)),
        {**_YOUZAN, "total": (_YOUZAN_PAID,)},
        "row",
    ),
)

# Statuses of an order that nobody paid, or that was called off: 等待买家付款, 待支付, 交易关闭, 已取消, (删除)等待出库 …
_UNSOLD = re.compile(
    r"(待|等待)(买家)?(付款|支付)|未(付款|支付)|关闭|取消|[(（]删除|WAIT_BUYER_PAY|TRADE_CLOSED|TRADE_NO_CREATE_PAY"
    r"|^(unpaid|cancell?ed|voided|expired|(awaiting|pending) payment)$",
    re.IGNORECASE,
)


def export_of(header: Collection[str]) -> Export | None:
    """The export that has such a header."""
    return next((one for one in EXPORTS if all(set(header) & set(names) for names in one.signs)), None)


def without_buyer(header: Collection[str]) -> bool:
    """True for Taobao's report of products 宝贝报表, which names no buyer: no customer can be made of it."""
    names = set(header)
    return bool(names & {"子订单编号", "外部系统编号"}) and not names & set(_TAOBAO["customer_id"])


def unsold(status: str) -> bool:
    """True when the order's status says that nothing was bought."""
    return _UNSOLD.search(status) is not None
