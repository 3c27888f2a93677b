"""Why an offer, a coupon or a claim is not for somebody now: one table of all such reasons, in Chinese and English. Pure.

What is wrong with an attempt itself has its two sentences where it is refused: too many guesses (`abuse/attempts.py`), too
much haste (`abuse/velocity.py`), what a till read badly or too late (`redemption/problems.py`).

A key is the stable code that clients see; where one code needs several sentences, a word after a colon chooses among them
(`below_threshold:amount`). A new reason code goes here first, then to the rule that finds it.
"""

from dataclasses import dataclass

from shared.money import format_money


@dataclass(frozen=True, slots=True)
class Reason:
    """What is told: a code for programs, a sentence for people in either language."""

    code: str
    detail: str
    detail_zh: str


REASONS: dict[str, tuple[str, str]] = {
    # The state of a coupon itself
    "locked": ("该券正被另一笔未支付的订单占用", "Another order holds this coupon until it is paid or given up."),
    "redeemed": ("该券已使用", "This coupon was used already."),
    "expired": ("该券已过期", "The time of this coupon is over."),
    "voided": ("该券已被收回", "This coupon was taken back."),
    "not_found": ("没有找到该优惠券", "This customer has no coupon with this id."),
    "not_started": ("尚未到可用时间", "This coupon is valid later; see its `valid_from`."),
    "outside_hours": ("当前时段不可用", "This coupon is not valid on this weekday or at this hour."),
    "currency_mismatch": (
        "币种不符：优惠为{offered}，购物车为{currency}",
        "The offer is in {offered}, the cart in {currency}.",
    ),
    # A store's till
    "wrong_shop": ("该券不适用于本门店", "This coupon is for other shops."),
    "not_for_stores": ("该券仅限线上订单使用", "This kind of coupon works on online orders only."),
    "token_unknown:settlement": ("不是我们签发的券码", "This is no token of ours."),
    "outside_token_life:settlement": (
        "核销时间不在券码有效期内",
        "The till accepted the token outside of its life; its clock may be wrong.",
    ),
    "redeemed_in_the_future:settlement": ("核销时间晚于当前时间", "The time of the redemption lies in the future."),
    "settled_too_late:settlement": ("补录已超过期限", "Redemptions can no longer be settled after so many days."),
    "amount_over_offline_cap:settlement": (
        "金额超过离线核销上限",
        "The amount is over what a till may take off while it is offline.",
    ),
    "coupon_locked:settlement": ("该券已被线上订单占用", "An order holds this coupon."),
    "coupon_redeemed:settlement": ("该券已在别处使用", "This coupon was used elsewhere."),
    "coupon_expired:settlement": ("该券已过期", "The time of this coupon was over."),
    "coupon_voided:settlement": ("该券已被收回", "This coupon was taken back before."),
    "budget_exhausted:settlement": ("活动预算已用完", "The budget of this coupon's template is used up."),
    # For whom
    "wrong_channel": ("当前渠道不可用", "This offer is for other channels; send the cart's `channel`."),
    "not_eligible:customer": ("您不符合该活动的参与条件", "This offer is not for this customer."),
    "not_eligible:segment": (
        "您不在该优惠的适用人群中",
        "This customer is in none of the segments that the offer is for.",
    ),
    "not_eligible:tier": ("您的会员等级不适用", "This offer is for members of other tiers."),
    "not_eligible:new_customer": ("仅限新客使用", "This offer is for new customers only."),
    "not_eligible:first_order": (
        "仅限首单使用",
        "This offer is for first orders only, and this customer has ordered before.",
    ),
    "first_order_held": (
        "您的另一笔未支付订单已使用首单优惠",
        "Another open order of this customer uses a first-order offer. Pay that one, or give it up.",
    ),
    "unclear_id": (
        "客户编号含有看不见或无法分辨的字符，或过长",
        "The customer's id holds a character that nobody sees or can tell from another, or is too long.",
    ),
    # The cart
    "out_of_scope": ("购物车中没有适用的商品", "No line of this cart is in the offer's scope."),
    "below_threshold:amount": ("再买{missing_amount}即可使用", "Add goods for {missing_amount} more."),
    "below_threshold:quantity": ("再买{missing_quantity}件即可使用", "Add {missing_quantity} more units."),
    "below_threshold:both": (
        "再买{missing_quantity}件，且金额再满{missing_amount}即可使用",
        "Add {missing_quantity} more units, for {missing_amount} or more in all.",
    ),
    "below_threshold:bundle": (
        "组合商品未凑齐，还差{missing_quantity}件",
        "The bundle is not complete; add {missing_quantity} more units of its goods.",
    ),
    "no_effect": ("适用商品已无可优惠金额", "Nothing is left to take off the goods that this offer is for."),
    "no_effect:shipping": ("本单没有可减免的运费", "There is no shipping fee left to take off."),
    "no_effect:price": ("适用商品的价格不高于优惠价", "The goods cost no more than this offer's price already."),
    "excluded_by": (
        "不可与已选优惠同享，已选优惠更划算或相同",
        "It cannot be combined with another offer, which takes as much off or more.",
    ),
    "excluded_by:priority": (
        "不可与已选优惠同享，商家优先使用已选优惠",
        "It cannot be combined with another offer, which the shop puts first.",
    ),
    "not_best": (
        "使用该券不会更优惠，已为您选择更优组合",
        "The cart is not cheaper with it: another combination takes as much off or more.",
    ),
    "budget_exhausted:offer": (
        "活动预算已用完",
        "What is left of the offer's budget is less than it would take off this cart.",
    ),
    # Stacks of offers, for marketers
    "stack:free": ("叠加后商品免单，共{amount}", "Together they make the goods free, which are worth {amount}."),
    "stack:under_cost": ("叠加后低于成本{amount}", "Together they sell goods {amount} under their cost."),
    # The next step
    "next_step:amount": ("再买{missing_amount}即可使用", "Add goods for {missing_amount} more to use it."),
    "next_step:quantity": ("再买{missing_quantity}件即可使用", "Add {missing_quantity} more units to use it."),
    "next_step:both": (
        "再买{missing_quantity}件，且金额再满{missing_amount}即可使用",
        "Add {missing_quantity} more units, for {missing_amount} or more in all, to use it.",
    ),
    "next_step:amount_for": (
        "再买{missing_amount}，可减{take_off_amount}",
        "Add goods for {missing_amount} more: then it takes {take_off_amount} off.",
    ),
    "next_step:quantity_for": (
        "再买{missing_quantity}件，可减{take_off_amount}",
        "Add {missing_quantity} more units: then it takes {take_off_amount} off.",
    ),
    # Claims
    "not_found:template": ("没有找到该优惠活动", "There is no coupon template with this id."),
    "paused:pack": ("礼包已暂停发放", "This pack is paused. Activate it, or try again later."),
    "sold_out:pack": ("礼包已被领完", "Every pack of this kind has been given out."),
    "claim_limit_reached:pack": (
        "您已达到领取上限",
        "This customer has as many of these packs as one customer may have.",
    ),
    "paused": ("活动已暂停", "This template is paused. Activate it, or try again later."),
    "not_started:claims": ("领取尚未开始", "Claims have not started yet. Try again from `starts_at` on."),
    "not_started:draft": ("活动尚未上线", "This template is a draft. Set its status to active to launch it."),
    "ended": ("活动已结束", "The time of this template is over."),
    "sold_out": ("优惠券已被领完", "Every coupon of this template has been claimed."),
    "claim_limit_reached": (
        "您已达到领取上限",
        "This customer has as many coupons of this template as one customer may have.",
    ),
    "day_limit_reached": (
        "今日优惠券已领完，请明天再来",
        "Today's coupons of this template are all claimed. Try again from `retry_at` on.",
    ),
    "budget_exhausted": (
        "活动预算已用完",
        "The template's budget is reserved by the coupons that were issued.",
    ),
    # Sharing
    "own_share": ("不能为自己助力", "Nobody helps a share of their own. Send the link to friends."),
    "share_expired": ("助力已超时结束", "The time of this share is over. Start a new one."),
    "share_complete": ("助力已完成", "Enough friends helped already; no more help is needed."),
    "already_helped": ("您已为该好友助力过", "This friend helped the same sharer before; once is all."),
    "offer_paused": ("分享活动已暂停", "This share offer is paused. Activate it, or try again later."),
    "share_limit_reached": ("您的分享次数已用完", "This customer has shared this offer as often as one customer may."),
    # Draws
    "draw_not_started": ("抽奖尚未开始", "The draw has not started yet; see its window."),
    "draw_ended": ("抽奖已结束", "The time of this draw is over."),
    "draw_closed": ("抽奖已关闭", "This draw is closed and its seed told; there are no more tickets."),
    "ticket_limit_reached": ("您的抽奖次数已用完", "This customer has had as many tickets as one customer may."),
    "day_limit_reached:draw": (
        "您今日的抽奖次数已用完，请明天再来",
        "This customer has had all their tickets of today. Try again from `retry_at` on.",
    ),
    "ticket_ref_taken": ("该抽奖凭证已被使用", "Another customer drew with this ticket_ref. Send one of their own."),
    # QR codes
    "token_invalid": (
        "二维码已失效，请重新扫描门店当前展示的二维码",
        "This QR code gives no coupon. Scan the one that the shop shows now.",
    ),
    # Codes: one sentence for every code that gives nothing, whatever the reason
    "coupon_invalid": (
        "兑换码无效，请逐字核对并确认是否仍在有效期内",
        "This code gives no coupon. Check it character by character, and until when it was valid.",
    ),
}
CODES = frozenset(key.partition(":")[0] for key in REASONS)


def explain(key: str, *, currency: str = "CNY", **values: int | str) -> Reason:
    """The reason of that key. Values whose names end in `amount` are money in minor units of `currency`.

    Raises KeyError for an unknown key or a value that its sentence needs.
    """
    chinese, english = REASONS[key]
    shown: dict[str, int | str] = {"currency": currency}
    for name, value in values.items():
        money = name.endswith("amount") and isinstance(value, int)
        shown[name] = format_money(int(value), currency) if money else value
    return Reason(key.partition(":")[0], english.format(**shown), chinese.format(**shown))
