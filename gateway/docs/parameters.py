"""What parameters and headers are, in English and Chinese.

A parameter's own description goes before the one of its name. Whoever adds one finds here what a test asks for.
"""

from collections.abc import Mapping
from typing import Any

_BY_NAME = {
    "account_id": ("the operator's account", "操作员账号"),
    "action": ("which action, `key.create`", "哪种操作，如 `key.create`"),
    "active": ("only those that work, or only those that do not", "只看有效的，或只看无效的"),
    "batch_id": ("the batch of codes", "兑换码批次"),
    "case_id": ("the case", "案件"),
    "cash_back_id": ("the cash-back", "返现"),
    "channel": ("the sales channel", "销售渠道"),
    "checkout_id": ("the checkout", "结算单"),
    "claim_code_id": ("the QR code", "领券二维码"),
    "claim_id": ("the claim of the pack", "礼包领取记录"),
    "code": ("the code", "代码"),
    "conflict_id": ("the conflict", "冲突"),
    "coupon_id": ("the coupon", "优惠券"),
    "currency": ("ISO 4217, such as CNY", "ISO 4217 币种，如 CNY"),
    "customer_id": ("the customer", "顾客"),
    "delivery_id": ("the delivery", "投递"),
    "denial_id": ("the entry of the deny list", "黑名单中的一条"),
    "draw_id": ("the draw", "抽奖"),
    "endpoint_id": ("the webhook endpoint", "回调端点"),
    "entry_id": ("the entry of the audit log", "审计记录"),
    "entry_kind": ("how customers enter", "顾客如何进入"),
    "event_type": ("of this event type only", "只看该事件类型"),
    "identifier": ("a phone number, e-mail address or openid", "手机号、邮箱或 openid"),
    "job_id": ("the issue job", "发券任务"),
    "journey_id": ("the journey", "旅程"),
    "key_id": ("the key", "密钥"),
    "kind": ("of this kind only", "只看该类型"),
    "location_id": ("the warehouse or shop", "仓库或门店"),
    "login": ("of this login only, in any case", "只看该登录名，不分大小写"),
    "message_id": ("the message", "消息"),
    "name": ("of this name only", "只看该名称"),
    "number": ("the ticket's number", "奖票编号"),
    "object_id": ("of this object only", "只看该对象"),
    "offer_id": ("the share offer", "分享有礼活动"),
    "order_id": ("of this order only", "只看该订单"),
    "outcome": ("of this outcome only", "只看该结果"),
    "owner_id": ("of this owner only", "只看该所有者"),
    "pack_id": ("the coupon pack", "礼包"),
    "promotion_id": ("the promotion", "自动促销"),
    "public_code_id": ("the public code", "公共码"),
    "received_id": ("what was received from a webhook source", "收到的一次回调投递"),
    "redemption_id": ("the redemption", "核销"),
    "refund_id": ("the refund", "退款"),
    "reservation_id": ("the reservation", "库存占用"),
    "role": ("of this role only", "只看该角色"),
    "rule_id": ("the velocity rule", "频次规则"),
    "run_id": ("the run", "运行"),
    "scheme": ("of this scheme only", "只看该签名方式"),
    "segment_id": ("the segment", "人群"),
    "session_id": ("the session", "会话"),
    "sku": ("of this SKU only", "只看该 SKU"),
    "source_id": ("the webhook source", "回调来源"),
    "state": ("in this state only", "只看该状态"),
    "status": ("of this status only", "只看该状态"),
    "subject": ("what `value` names: a customer, a device, an address", "`value` 指的是什么：顾客、设备或地址"),
    "template_id": ("the template", "模板"),
    "token": ("the share's token", "分享的令牌"),
    "token_id": ("the token on show", "正在出示的令牌"),
}
_IN_CHINESE = {
    "calls at the door, or facts that followed": "入口处的调用，或由此产生的事实",
    "who, `account:…` or `key:…`": "谁，`account:…` 或 `key:…`",
    "of this request only": "只看该请求",
    "from this instant on": "从该时刻起",
    "the first day, in the merchant's time zone": "第一天，按商家时区",
    "the last day, included; today unless given": "最后一天，含当天；未给则为今天",
    "of this key and those it was rotated from and into": "该密钥及其轮换前后的密钥",
    "what to sum by": "按什么汇总",
    "before this instant": "早于该时刻",
    "csv for spreadsheets, or JSON lines": "csv 用于表格软件，或每行一个 JSON",
    "a place noted before": "以前记下的序号",
    "the hash that was there": "当时的散列值",
    "How many rows": "返回多少条",
    "`next_cursor` of the page before": "上一页的 `next_cursor`",
    "with a coupon of this customer": "含有该顾客优惠券的",
    "as it was sent; give its subject too (default customer)": "提交时的原值；请同时给出类别（默认为顾客）",
    "up to 100, repeated; 20 for shoppers": "最多 100 个，可重复；顾客端最多 20 个",
    "Now (default) or later": "现在（默认）或以后",
    "whose; an end-user's token knows by itself": "谁的；终端用户令牌自带顾客",
    "offers of this channel only": "只看该渠道的优惠",
    "offers in this state only": "只看该状态的优惠",
    "of this shop only": "只看该门店",
    "of this template only": "只看该券模板",
    "how many days back, today included": "往前多少天，含今天",
    "only those that are (not) redeemed": "只看已兑换（或未兑换）的",
    "csv, or an Excel sheet": "csv，或 Excel 表格",
    "of this customer only": "只看该顾客",
    "a part of the name": "名称的一部分",
    "why, for a CSV file; JSON has it in the body": "原因，用于 CSV 文件；JSON 时写在请求体里",
    "by the clock, as the answer shows it": "按当前时间计算的状态，与应答一致",
    "Only unread, or only read, messages": "只看未读，或只看已读",
    "Of the live version": "按生效中的版本",
    "let the keys that were made with it live on; for secret keys only": "保留用它创建的密钥；仅用于私密密钥",
    "of this coupon only": "只看该优惠券",
    "default: all but archived": "默认：除已归档的全部",
    "of this offer only": "只看该活动",
    "of this sharer only": "只看该分享者",
    # headers
    "An id of the caller's own, 8 to 100 letters, digits, `-` and `_`, to join their logs with ours. Another one is replaced.": (
        "调用方自己的编号，8 至 100 个字母、数字、`-` 和 `_`，用于对照双方日志。不合格的会被替换。"
    ),
    "Quoted or bare. The same key and body get the first answer again with `Idempotent-Replayed: true`; another body 422 "
    "`idempotency_key_reused`; while the first call runs 409 `idempotency_in_progress`.": (
        "可加引号。同样的键和请求体会再次得到第一次的应答，并带 `Idempotent-Replayed: true`；请求体不同返回 422 "
        "`idempotency_key_reused`；第一次调用尚未结束返回 409 `idempotency_in_progress`。"
    ),
    "The app's own id of the device": "应用自己的设备编号",
    "The shopper's IP address, from a merchant's server that speaks for them": "顾客的 IP 地址，由代其调用的商户服务器给出",
    "What to ask support about": "咨询支持时请提供此编号",
    "`true`: this is the first call's answer again": "`true`：这是第一次调用的应答",
    "Seconds to wait": "请等待的秒数",
    "What is left, and in how many seconds all of it is there again": "剩余次数，以及多少秒后全部恢复",
    "The limit that was counted: how many in how many seconds": "所计的限额：多少秒内多少次",
    "How to send a key": "如何提供密钥",
    "Of a rotated key: since when it has a successor (RFC 9745)": "已轮换的密钥：何时起有后继（RFC 9745）",
    "Of a rotated key: when it ends (RFC 8594)": "已轮换的密钥：何时失效（RFC 8594）",
    "The same as RFC 3339": "同上，RFC 3339 格式",
    "The same for all attempts: what to know a repetition by": "每次尝试都相同：据此识别重复",
    "Seconds since 1970, of this attempt": "本次尝试的时间，自 1970 年起的秒数",
    "`v1,` and the HMAC-SHA256 of id, timestamp and body (Standard Webhooks); several with spaces": (
        "`v1,` 加上编号、时间和请求体的 HMAC-SHA256（Standard Webhooks）；多个以空格分隔"
    ),
}


def describe(holder: dict[str, Any], chinese: bool) -> None:
    """Give a parameter or header the description of its language; the holder itself is changed."""
    own = holder.get("description")
    english, in_chinese = _BY_NAME.get(holder.get("name", ""), ("", ""))
    text = (_IN_CHINESE.get(own) if own else in_chinese) if chinese else own or english
    if text or own:
        holder["description"] = text or own


def all_described(holders: Mapping[str, Any], chinese: bool) -> None:
    """The same for components by name."""
    for holder in holders.values():
        describe(holder, chinese)
