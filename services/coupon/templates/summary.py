"""What an offer says to people 优惠文案, in Chinese and English: threshold and benefit, money formatted. Pure."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from services.coupon.templates.benefits import (
    WHOLE,
    AmountOff,
    BundlePrice,
    BuyGet,
    CashBack,
    Every,
    Exchange,
    FixedPrice,
    FreeShipping,
    Gift,
    Kind,
    Ladder,
    Per,
    PercentOff,
    ShippingPercentOff,
)
from services.coupon.templates.terms import Terms, Threshold
from shared.money import format_money

Show = Callable[[int], str]
"""Formats minor units."""
_EACH: dict[Per, tuple[str, str]] = {"order": ("", ""), "line": ("每款", " each line"), "unit": ("每件", " each unit")}


@dataclass(frozen=True, slots=True)
class Summary:
    """The same in both languages."""

    zh: str
    en: str

    def __add__(self, other: "Summary") -> "Summary":
        return Summary(self.zh + other.zh, self.en + other.en)


def summarise(terms: Terms, currency: str = "CNY") -> Summary:
    """`满¥300.00减¥50.00` / `¥50.00 off from ¥300.00`."""

    def show(amount: int) -> str:
        return format_money(amount, currency)

    benefit = _SUMMARIES[type(terms.benefit)](terms.benefit, show)
    threshold = _threshold(terms.threshold, show)
    return Summary(threshold.zh + benefit.zh, benefit.en + threshold.en)


def _threshold(threshold: Threshold, show: Show) -> Summary:
    text = Summary("", "")
    if threshold.amount is not None:
        text += Summary(f"满{show(threshold.amount)}", f" from {show(threshold.amount)}")
    if threshold.quantity is not None:
        text += Summary(f"满{threshold.quantity}件", f" from {threshold.quantity} units")
    return text


def _percent(percent_bp: int) -> Summary:
    """8000 left of 10000 is 8折; in English it is what is taken off."""
    return Summary(f"{(WHOLE - percent_bp) / 1000:g}折", f"{percent_bp / 100:g} % off")


def _most(amount: int | None, show: Show, verb: str = "减") -> Summary:
    return Summary("", "") if amount is None else Summary(f"，最多{verb}{show(amount)}", f", at most {show(amount)}")


def _amount_off(benefit: AmountOff, show: Show) -> Summary:
    zh, en = _EACH[benefit.per]
    return Summary(f"{zh}减{show(benefit.amount)}", f"{show(benefit.amount)} off{en}")


def _percent_off(benefit: PercentOff, show: Show) -> Summary:
    zh, en = _EACH[benefit.per]
    return Summary(zh, "") + _percent(benefit.percent_bp) + Summary("", en) + _most(benefit.max_amount, show)


def _ladder(benefit: Ladder, show: Show) -> Summary:
    steps = []
    for step in benefit.steps:
        reach = show(step.threshold) if benefit.by == "amount" else str(step.threshold)
        pieces = Summary("", "") if benefit.by == "amount" else Summary("件", " units")
        if step.amount is not None:
            given = Summary(f"减{show(step.amount)}", f"{show(step.amount)} off")
        else:
            given = _percent(step.percent_bp or 0)
        steps.append(Summary(f"满{reach}{pieces.zh}{given.zh}", f"{given.en} from {reach}{pieces.en}"))
    together = Summary("，".join(step.zh for step in steps), ", ".join(step.en for step in steps))
    return together + _most(benefit.max_amount, show)


def _every(benefit: Every, show: Show) -> Summary:
    reach = (
        Summary(show(benefit.threshold), show(benefit.threshold))
        if benefit.by == "amount"
        else Summary(f"{benefit.threshold}件", f"{benefit.threshold} units")
    )
    often = benefit.max_times
    times = Summary("", "") if often is None else Summary(f"，最多{often}次", f", at most {often} times")
    return Summary(f"每满{reach.zh}减{show(benefit.amount)}", f"{show(benefit.amount)} off every {reach.en}") + times


def _fixed_price(benefit: FixedPrice, show: Show) -> Summary:
    return Summary(f"一口价{show(benefit.amount)}", f"{show(benefit.amount)} each")


def _buy_get(benefit: BuyGet, show: Show) -> Summary:  # noqa: ARG001 - asked of every kind
    buy, get = benefit.buy.quantity, benefit.get.quantity
    if benefit.get.percent_bp == WHOLE:
        return Summary(f"买{buy}件送{get}件", f"buy {buy}, get {get} free")
    given = _percent(benefit.get.percent_bp)
    return Summary(f"买{buy}件，另{get}件{given.zh}", f"buy {buy}, get {get} at {given.en}")


def _bundle_price(benefit: BundlePrice, show: Show) -> Summary:
    units = sum(benefit.skus.values())
    return Summary(f"{units}件组合价{show(benefit.amount)}", f"{units} units together for {show(benefit.amount)}")


def _free_shipping(benefit: FreeShipping, show: Show) -> Summary:
    return Summary("包邮", "free shipping") + _most(benefit.max_amount, show)


def _shipping_percent_off(benefit: ShippingPercentOff, show: Show) -> Summary:
    given = _percent(benefit.percent_bp)
    return Summary(f"运费{given.zh}", f"{given.en} shipping") + _most(benefit.max_amount, show)


def _gift(benefit: Gift, show: Show) -> Summary:  # noqa: ARG001 - asked of every kind
    return Summary(f"赠{benefit.sku}×{benefit.quantity}", f"{benefit.quantity} × {benefit.sku} as a gift")


def _exchange(benefit: Exchange, show: Show) -> Summary:  # noqa: ARG001 - asked of every kind
    return Summary(
        f"兑换{benefit.product_id}×{benefit.quantity}", f"{benefit.quantity} × {benefit.product_id} free of charge"
    )


def _cash_back(benefit: CashBack, show: Show) -> Summary:
    if benefit.amount is not None:
        return Summary(f"返{show(benefit.amount)}券", f"{show(benefit.amount)} back as a coupon")
    share = f"{(benefit.percent_bp or 0) / 100:g}"
    return Summary(f"返{share}%", f"{share} % back as a coupon") + _most(benefit.max_amount, show, "返")


_SUMMARIES: dict[type[Kind], Callable[[Any, Show], Summary]] = {
    AmountOff: _amount_off,
    PercentOff: _percent_off,
    Ladder: _ladder,
    Every: _every,
    FixedPrice: _fixed_price,
    BuyGet: _buy_get,
    BundlePrice: _bundle_price,
    FreeShipping: _free_shipping,
    ShippingPercentOff: _shipping_percent_off,
    Gift: _gift,
    Exchange: _exchange,
    CashBack: _cash_back,
}
