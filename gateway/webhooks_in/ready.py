"""Mappings that are ready, by name: `maps_to: {"ready": "wechat_shop.orders"}`.

They tell what the platform's message itself says, and no more. Where a refund names neither lines and quantities nor the
whole, it is left out: read it from the platform, and tell it by a source of your own.
"""

from collections.abc import Mapping
from typing import Any

READY: Mapping[str, Mapping[str, Any]] = {
    # TMC messages {topic, content}, as a form or as JSON: topics and `tid` as taobao-sdk-java names them (NotifyTrade).
    "taobao.orders": {
        "type_at": ["/topic", "/body/topic"],
        "types": {
            "taobao_trade_TradeBuyerPay": "order.paid",
            "taobao_trade_TradeSuccess": "order.completed",
            "taobao_trade_TradeClose": "order.cancelled",
        },
        "fields": {"order_id": ["/content/tid", "/body/content/tid"]},
    },
    # PMC messages {type, mallID, content}, as a form: types and `tid` as users of the platform's SDK handle them.
    "pdd.orders": {
        "type_at": "/type",
        "types": {"pdd_trade_TradeConfirmed": "order.paid", "pdd_trade_TradeSuccess": "order.completed"},
        "fields": {"order_id": "/content/tid"},
    },
    # Messages {tag, msg_id, data}; `p_id` and the status of the paid order (2) as doudian-sdk-java has them. Tag and status must
    # agree: neither alone settles an order.
    "douyin.orders": {
        "type_at": ["/tag", "/data/order_status"],
        "types": {"101|2": "order.paid", "103|5": "order.completed", "106|4": "order.cancelled"},
        "fields": {"order_id": "/data/p_id"},
    },
    # 微信小店 order events, channels_ec_order_pay and its neighbours (developers.weixin.qq.com, 订单事件推送).
    "wechat_shop.orders": {
        "type_at": "/Event",
        "types": {
            "channels_ec_order_pay": "order.paid",
            "channels_ec_order_cancel": "order.cancelled",
            "channels_ec_order_settle": "order.completed",
        },
        "fields": {"order_id": "/order_info/order_id"},
    },
    # 微信支付 APIv3 支付结果通知, 退款结果通知; an order is known there by the merchant's own number. A refund of less than the
    # whole names no lines, and is refused.
    "wechat_pay.orders": {
        "type_at": "/event_type",
        "types": {"TRANSACTION.SUCCESS": "order.paid", "REFUND.SUCCESS": "order.refunded"},
        "fields": {
            "order_id": "/resource/out_trade_no",
            "refund_id": "/resource/out_refund_no",
            "whole_if_equal": ["/resource/amount/refund", "/resource/amount/total"],
        },
    },
}
