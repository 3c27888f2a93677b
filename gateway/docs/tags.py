"""The chapters of the documentation, in the order in which a newcomer needs them, in English and Chinese.

A part's own tag becomes one of them. Whoever gives a room a new tag adds its line; a test finds what is missing.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Tag:
    """One chapter. `of` are the tags of parts that it gathers, `part/tag`."""

    of: tuple[str, ...]
    english: str
    chinese: str
    about: str
    about_in_chinese: str


HOOKS = "Webhooks to you"
TAGS = (
    Tag(
        ("coupon/coupon templates",),
        "Coupon templates",
        "券模板",
        "What is offered: benefit, threshold, scope, limits, validity. Begin here.",
        "优惠的内容：力度、门槛、范围、限量、有效期。从这里开始。",
    ),
    Tag(
        ("coupon/coupons",),
        "Coupons",
        "领券与券包",
        "Claim, issue to many, read the wallet, take back.",
        "领取、批量发放、查看券包、作废。",
    ),
    Tag(
        ("coupon/prices",),
        "Prices",
        "试算",
        "What a cart costs with the best coupons, and why not with the others.",
        "购物车用上最优的券是多少钱，其余的券为何不用。",
    ),
    Tag(
        ("coupon/checkouts",),
        "Checkouts",
        "下单锁券",
        "Lock the coupons of an order, redeem them when it is paid, free them when it is given up; cash-back.",
        "下单时锁券，支付后核销，取消时回退；返现。",
    ),
    Tag(
        ("coupon/refunds",),
        "Refunds",
        "退款",
        "Who gets what back when goods come back.",
        "退货时谁退回多少。",
    ),
    Tag(
        ("coupon/promotions",),
        "Promotions",
        "自动促销",
        "Offers that need no coupon: a price falls by itself.",
        "无需领券、自动生效的优惠。",
    ),
    Tag(
        ("coupon/coupon packs",),
        "Coupon packs",
        "礼包",
        "Several coupons given at once, such as a welcome pack.",
        "一次发放多张优惠券，例如新人礼包。",
    ),
    Tag(
        ("coupon/codes",),
        "Codes",
        "兑换码",
        "Unique codes and public ones, made, downloaded, redeemed, looked up.",
        "一券一码与公共码：生成、下载、兑换、查询。",
    ),
    Tag(
        ("coupon/sharing",),
        "Sharing",
        "分享有礼",
        "Friends help, both get coupons.",
        "好友助力，双方得券。",
    ),
    Tag(
        ("coupon/draws",),
        "Lucky draws",
        "抽奖",
        "Stated odds that anybody can check afterwards.",
        "公示概率，事后人人可复核。",
    ),
    Tag(
        ("coupon/scanning",),
        "QR codes to claim by",
        "扫码领券",
        "Posters and screens in shops.",
        "店内海报与屏幕上的领券二维码。",
    ),
    Tag(
        ("coupon/store redemption",),
        "Tills",
        "门店核销",
        "Show a coupon, use it at a till, settle what an offline till did.",
        "出示券码、收银台核销、离线核销补录。",
    ),
    Tag(
        ("coupon/abuse",),
        "Abuse",
        "风控",
        "Velocity rules, the deny list, the review queue.",
        "频次规则、黑名单、审核队列。",
    ),
    Tag(
        ("segments/tracking",),
        "Tracking",
        "行为上报",
        "What customers do, sent as the SDKs of Segment send it.",
        "顾客的行为，按 Segment SDK 的格式上报。",
    ),
    Tag(
        ("segments/profiles",),
        "Customers",
        "顾客档案",
        "Who they are and what they did.",
        "顾客是谁，做过什么。",
    ),
    Tag(
        ("segments/segments",),
        "Segments",
        "人群",
        "Audiences by rule, kept in real time.",
        "按规则实时维护的人群。",
    ),
    Tag(
        ("segments/imports",),
        "Imports",
        "导入",
        "Bring in order history.",
        "导入历史订单。",
    ),
    Tag(
        ("journey/journeys",),
        "Journeys",
        "旅程",
        "What happens when somebody does something: draw, publish, pause.",
        "顾客触发后自动执行的流程：编排、发布、暂停。",
    ),
    Tag(
        ("journey/journey runs",),
        "Journey runs",
        "旅程运行",
        "One customer's way through a journey, step by step; trial runs and counts.",
        "一位顾客走过旅程的每一步；试运行与统计。",
    ),
    Tag(
        ("journey/message templates",),
        "Message templates",
        "消息模板",
        "What messages say.",
        "消息的内容。",
    ),
    Tag(
        ("journey/messages", "journey/inbox"),
        "Messages",
        "消息",
        "What was sent, and the app's inbox.",
        "发送台账与站内信。",
    ),
    Tag(
        ("inventory/stock",),
        "Stock",
        "库存",
        "What can be sold, what is on hand, and every movement.",
        "可售量、在库量与每次变动。",
    ),
    Tag(
        ("inventory/reservations",),
        "Reservations",
        "库存占用",
        "Hold stock for an order, confirm, ship or release it.",
        "为订单占用库存，确认、发货或释放。",
    ),
    Tag(
        ("inventory/locations",),
        "Locations",
        "仓库与门店",
        "Warehouses and shops.",
        "仓库与门店。",
    ),
    Tag(
        ("gateway/keys",),
        "Keys",
        "密钥",
        "Who may call what.",
        "谁可以调用什么。",
    ),
    Tag(
        ("gateway/sign-in",),
        "Sign-in",
        "登录",
        "How operators sign in to the console, and what they do about their own account.",
        "操作员如何登录控制台，以及如何管理自己的账号。",
    ),
    Tag(
        ("gateway/accounts",),
        "Accounts",
        "操作员账号",
        "Who works here, and what their role lets them do.",
        "谁在这里工作，其角色可以做什么。",
    ),
    Tag(
        ("gateway/webhooks",),
        "Webhooks",
        "回调推送",
        "Where the suite tells you what happened. What a receiver does stands in the guide.",
        "系统把发生的事推送到哪里。接收方要做什么，见指南。",
    ),
    Tag(
        ("gateway/webhooks in",),
        "Webhooks in",
        "回调接入",
        "How an order system tells us what happened.",
        "订单系统如何把发生的事告诉我们。",
    ),
    Tag(
        ("coupon/audit", "segments/audit", "journey/audit", "inventory/audit"),
        "Audits",
        "对账",
        "Prove that the books are right.",
        "核对账目是否一致。",
    ),
    Tag(
        ("gateway/audit",),
        "Audit log",
        "操作日志",
        "Who changed what.",
        "谁改了什么。",
    ),
    Tag(
        ("gateway/usage",),
        "Usage",
        "用量",
        "Who called what, and what came of it.",
        "谁调用了什么，结果如何。",
    ),
    Tag(
        ("webhooks",),
        HOOKS,
        "推送给你的事件",
        "What arrives at your endpoint, by type.",
        "到达你的端点的事件，按类型。",
    ),
)
_BY_PART = {of: tag for tag in TAGS for of in tag.of}


def chapter(part: str, tag: str) -> str:
    """The chapter of a part's tag; a tag that has none yet is one of its own."""
    found = _BY_PART.get(f"{part}/{tag}")
    return found.english if found else tag[:1].upper() + tag[1:]


def listed(used: set[str], chinese: bool) -> list[dict[str, str]]:
    """`tags` of the document: those that are used, in order, what has no line here at the end."""
    known = [
        {
            "name": tag.chinese if chinese else tag.english,
            "description": tag.about_in_chinese if chinese else tag.about,
        }
        for tag in TAGS
        if tag.english in used
    ]
    return [*known, *({"name": name} for name in sorted(used - {tag.english for tag in TAGS}))]


IN_CHINESE = {tag.english: tag.chinese for tag in TAGS}
