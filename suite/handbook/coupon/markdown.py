"""Worked examples as Markdown, in English (with the Chinese terms) and in Chinese."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Literal

from services.coupon.pricing.cart import Line
from services.coupon.pricing.offers import Refusal, Use
from services.coupon.refunds.rules import Policy
from shared.money import format_money
from suite.handbook.coupon.examples import EXAMPLES, NAMES, REFUNDS, Example
from suite.handbook.coupon.worked import Refunded, Worked, refunds, work_out

Language = Literal["en", "zh"]
POLICIES: tuple[Policy, ...] = ("keep", "clawback")
_OF_THE_SHOP = frozenset(("floor_price", "discountable"))
"""What a line says of its goods beyond name and price: a cart with such lines is shown as one sends it."""
_FUNDERS = {"en": {"shop": "the shop", "platform": "the platform"}, "zh": {"shop": "店铺", "platform": "平台"}}

_WORDS: Mapping[Language, Mapping[str, str]] = {
    "en": {
        "price": "price",
        "pays": "to pay",
        "shipping": "shipping 运费",
        "total": "**total**",
        "points": "points 积分",
        "each": "{count} × {name}, {price} each",
        "gift": "{count} × {name} is added at {price}, by {offer}.",
        "cash_back": "Once the order is complete: a coupon 返现券 of {amount} for {days} days, by {offer}.",
        "next_amount": "Goods for {missing} more 凑单, and {offer} takes {worth} off.",
        "next_quantity": "{missing} more units 凑单, and {offer} takes {worth} off.",
        "shops": "By shop 各店分摊: {shares}.",
        "refused": "Not used: {offer} (`{code}`). {why}",
        "excluded": "Not used: {offer} (`{code}`: {other}). {why}",
        "policy": "policy",
        "back": "returned: {units}",
        "sum": "in all",
        "refund": "{money} to the customer{others}",
        "to": ", {money} to {who}",
    },
    "zh": {
        "price": "金额",
        "pays": "应付",
        "shipping": "运费",
        "total": "**合计**",
        "points": "积分抵现",
        "each": "{name} × {count}，单价{price}",
        "gift": "{offer}：加入{name} × {count}，{price}。",
        "cash_back": "订单完成后，{offer}：返一张{amount}的券，{days}天内有效。",
        "next_amount": "凑单：再买{missing}，{offer}可减{worth}。",
        "next_quantity": "凑单：再买{missing}件，{offer}可减{worth}。",
        "shops": "各店分摊：{shares}。",
        "refused": "未使用：{offer}（`{code}`）。{why}。",
        "excluded": "未使用：{offer}（`{code}`：{other}）。{why}。",
        "policy": "策略",
        "back": "退回{units}",
        "sum": "合计退款",
        "refund": "退顾客{money}{others}",
        "to": "，退{who}{money}",
    },
}


def example(name: str, language: Language) -> str:
    """The offers of that example as one posts them, and the cart's price with them; refunds where goods come back."""
    worked = work_out(EXAMPLES[name])
    parts = ["\n".join(_bodies(worked.example)), "\n".join(_table(worked, language))]
    notes = [f"- {note}" for note in _notes(worked, language)]
    if notes:
        parts.append("\n".join(notes))
    if name in REFUNDS:
        parts.append("\n".join(_refund_table(worked, language)))
    return "\n\n".join(parts) + "\n"


def _bodies(example: Example) -> Iterator[str]:
    yield "```"
    for given in example.offers:
        yield f"POST /v1/{'promotions' if given.automatic else 'coupon-templates'}"
        pairs = [f'"{name}": {json.dumps(value, ensure_ascii=False)}' for name, value in given.body.items()]
        yield "{" + ",\n ".join(pairs) + "}"
    if any(_OF_THE_SHOP & line.keys() for line in example.lines):
        lines = ",\n  ".join(json.dumps(line) for line in example.lines)
        yield f'POST /v1/quotes\n{{"customer_id": "lin",\n "lines": [\n  {lines}]}}'
    yield "```"


def _table(worked: Worked, language: Language) -> Iterator[str]:
    words, answer, fee = _WORDS[language], worked.answer, worked.cart.shipping_fee
    points = [("points", list(answer.points), 0)] if answer.points_discount else []
    columns = [(worked.names[use.offer.id], list(use.shares), use.shipping) for use in answer.uses if use.amount]
    columns += [(words[name], shares, shipping) for name, shares, shipping in points]
    yield row(["", words["price"], *(name for name, _, _ in columns), words["pays"]])
    yield row(["---", *["---:"] * (len(columns) + 2)])
    for at, line in enumerate(worked.cart.lines):
        taken = [_minus(shares[at]) for _, shares, _ in columns]
        yield row([_named(line, language), format_money(line.subtotal), *taken, format_money(answer.running[at])])
    if fee:
        taken = [_minus(shipping) for _, _, shipping in columns]
        yield row([words["shipping"], format_money(fee), *taken, format_money(answer.shipping_left)])
    sums = [_minus(sum(shares) + shipping) for _, shares, shipping in columns]
    cells = [format_money(worked.cart.subtotal + fee), *sums, format_money(answer.total)]
    yield row([words["total"], *(f"**{cell}**" for cell in cells)])


def row(cells: Sequence[str]) -> str:
    """One row of a table."""
    return f"| {' | '.join(cells)} |"


def _minus(amount: int) -> str:
    return format_money(-amount) if amount else ""


def _name(name: str, language: Language) -> str:
    english, chinese = NAMES[name]
    return f"{english} {chinese}" if language == "en" else chinese


def _named(line: Line, language: Language) -> str:
    name, price = _name(line.line_id, language), format_money(line.unit_price)
    return name if line.quantity == 1 else _WORDS[language]["each"].format(count=line.quantity, name=name, price=price)


def _notes(worked: Worked, language: Language) -> Iterator[str]:
    words = _WORDS[language]
    for use in worked.answer.uses:
        yield from _extras(use, worked, language)
    shops = {line.shop_id for line in worked.cart.lines if line.shop_id}
    if len(shops) > 1:
        yield words["shops"].format(shares=", ".join(_by_shop(worked)))
    for offer_id, refusal in worked.answer.refused.items():
        yield _refused(worked.names[offer_id], refusal, worked.names, language)


def _extras(use: Use, worked: Worked, language: Language) -> Iterator[str]:
    words, offer = _WORDS[language], worked.names[use.offer.id]
    for gift in use.gifts:
        name = _name(gift.sku or gift.product_id or "", language)
        yield words["gift"].format(count=gift.quantity, name=name, price=format_money(0), offer=offer)
    if use.cash_back is not None:
        promise = use.cash_back
        yield words["cash_back"].format(amount=format_money(promise.amount), days=promise.valid_days, offer=offer)
    step = use.next_step
    if step is not None:
        worth = format_money(step.would_take_off)
        if step.missing_amount is not None:
            yield words["next_amount"].format(missing=format_money(step.missing_amount), offer=offer, worth=worth)
        else:
            yield words["next_quantity"].format(missing=step.missing_quantity, offer=offer, worth=worth)


def _by_shop(worked: Worked) -> Iterator[str]:
    for use in worked.answer.uses:
        shares: dict[str, int] = {}
        for line, share in zip(worked.cart.lines, use.shares, strict=True):
            if share:
                shares[line.shop_id or ""] = shares.get(line.shop_id or "", 0) + share
        told = " + ".join(f"{shop} {format_money(share)}" for shop, share in shares.items())
        yield f"{worked.names[use.offer.id]} = {told}"


def _refused(offer: str, refusal: Refusal, names: Mapping[str, str], language: Language) -> str:
    why = refusal.detail if language == "en" else refusal.detail_zh
    kind = "refused" if refusal.excluded_by is None else "excluded"
    other = names.get(refusal.excluded_by or "", "")
    return _WORDS[language][kind].format(offer=offer, code=refusal.code, why=why, other=other)


def _refund_table(worked: Worked, language: Language) -> Iterator[str]:
    words = _WORDS[language]
    heads = [words["back"].format(units=_units(units, language)) for units in worked.example.returns]
    yield row([words["policy"], *heads, words["sum"]])
    yield row(["---"] * (len(heads) + 2))
    for policy in POLICIES:
        found = refunds(worked, policy)
        total = format_money(sum(one.money for one in found))
        yield row([f"`{policy}`", *(_refund(one, language) for one in found), f"**{total}**"])


def _units(units: Mapping[str, int], language: Language) -> str:
    return ", ".join(f"{count} × {_name(name, language)}" for name, count in units.items())


def _refund(refund: Refunded, language: Language) -> str:
    words, funders = _WORDS[language], _FUNDERS[language]
    others = [
        words["to"].format(money=format_money(amount), who=funders[who])
        for who, amount in refund.funders.items()
        if amount
    ]
    return words["refund"].format(money=format_money(refund.money), others="".join(others))
