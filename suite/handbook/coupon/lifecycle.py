"""How an offer is run, worked out by the rules that run it: its statuses, what may change, when, how many, for whom, codes."""

import json
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from services.coupon.audience.rules import Facts, unfit
from services.coupon.code_format import check_character, corrected, normalised, readable, well_formed
from services.coupon.reasons import Reason, explain
from services.coupon.refusals import reason_of
from services.coupon.templates.models import STATUSES
from services.coupon.templates.rules import faults, refused_step, worst_case
from services.coupon.templates.schemas import OfferIn, TemplateIn, TemplatePatch
from services.coupon.templates.supply import Supply
from services.coupon.templates.terms import Limits, Scope, Terms
from services.coupon.templates.validity import Validity, open_at, window
from services.coupon.wallet.rules import closed, share_out
from shared.money import format_money
from suite.handbook.coupon.lifecycle_words import WORDS
from suite.handbook.coupon.markdown import Language, row

ZONE = "Asia/Shanghai"
Json = dict[str, Any]

LAUNCHED: Json = {
    "name": "618满300减50",
    "status": "draft",
    "benefit": {"kind": "amount_off", "amount": 5000},
    "threshold": {"amount": 30000},
}
WINDOW: Json = {
    "name": "618券，领取后7天有效",
    "benefit": {"kind": "amount_off", "amount": 5000},
    "threshold": {"amount": 30000},
    "validity": {
        "from": "2027-06-01T00:00:00+08:00",
        "until": "2027-06-19T00:00:00+08:00",
        "days_after_claim": 7,
    },
}
NIGHTS: Json = {
    "name": "周五夜场8折",
    "benefit": {"kind": "percent_off", "percent_bp": 2000},
    "validity": {"weekdays": [5], "hours": [{"from": "22:00", "until": "02:00"}], "time_zone": ZONE},
}
LIMITED: Json = {
    "name": "限量券",
    "benefit": {"kind": "amount_off", "amount": 1000},
    "limits": {"total": 3, "per_customer": 1, "per_day": 2},
}
BODIES = (LAUNCHED, WINDOW, NIGHTS, LIMITED)
"""What the page shows to be posted to `/v1/coupon-templates`."""

_CLAIMS = (
    "2027-05-31T10:00:00+08:00",
    "2027-06-01T10:00:00+08:00",
    "2027-06-15T10:00:00+08:00",
    WINDOW["validity"]["until"],
)
_MOMENTS = (
    "2027-06-04T21:59",
    "2027-06-04T22:00",
    "2027-06-05T01:59",
    "2027-06-05T02:00",
    "2027-06-05T23:00",
    "2027-06-04T01:00",
)
_DAYS = (("lin", "wang", "lin", "zhao"), ("zhao", "sun"))
_BUDGET = 100_000
_BUDGETED: tuple[tuple[Json, Json], ...] = (
    ({"kind": "amount_off", "amount": 5000}, {"budget": _BUDGET}),
    ({"kind": "percent_off", "percent_bp": 2000, "max_amount": 6000}, {"budget": _BUDGET}),
    ({"kind": "percent_off", "percent_bp": 2000}, {"budget": _BUDGET}),
    ({"kind": "percent_off", "percent_bp": 2000}, {"budget": _BUDGET, "budget_on": "redemption"}),
)
_NOW = datetime.fromisoformat("2027-06-10T10:00:00+08:00")
_AUDIENCES: tuple[Json, ...] = (
    {"segments": ["seg_vip"]},
    {"tiers": ["gold", "platinum"]},
    {"new_customer_days": 30},
    {"first_order_only": True},
)
_CUSTOMERS: Mapping[str, tuple[str, str, Facts]] = {
    "lin": (
        "in the segment, gold, known for 400 days, has ordered",
        "在人群中，金卡，认识400天，下过单",
        Facts(frozenset(("seg_vip",)), "gold", _NOW - timedelta(days=400), ordered=True),
    ),
    "wang": (
        "silver, known for 10 days, has ordered",
        "银卡，认识10天，下过单",
        Facts(tier="silver", known_since=_NOW - timedelta(days=10), ordered=True),
    ),
    "zhao": ("nothing is known of them", "一无所知的顾客", Facts()),
}
_CODE = "K7QMXW3BTRE9" + check_character("K7QMXW3BTRE9")
_PUBLIC = ("D618", " 双11-狂欢 ", "Ｄ６１８", "D618!", "6")


def statuses(language: Language) -> Iterator[str]:
    """What each status means for who claims, and what may follow it."""
    words = WORDS[language]
    yield from posted(LAUNCHED)
    yield from _head("`status`", words["claims"], words["becomes"])
    for status in STATUSES:
        code = closed(status, Validity(), "claim", _NOW)
        told = words["given"] if code is None else _told(reason_of(code), language)
        after = [f"`{one}`" for one in STATUSES if one != status and refused_step(status, one) is None]
        yield row([f"`{status}`", told, ", ".join(after) or words["nothing"]])


def changes(language: Language) -> Iterator[str]:
    """From when on a changed field holds."""
    words, groups = WORDS[language], dict[str, list[str]]()
    for field in TemplateIn.model_fields:
        changes = field in TemplatePatch.model_fields
        effect = "terms" if field in Terms.model_fields else "limits" if field == "limits" else "rest"
        groups.setdefault(effect if changes else "never", []).append(f"`{field}`")
    yield from _head(words["field"], words["effect"])
    for effect in ("rest", "limits", "terms", "never"):
        yield row([", ".join(groups[effect]), words[effect]])


def validity(language: Language) -> Iterator[str]:
    """When coupons of one window end, by the time of the claim."""
    words, terms = WORDS[language], Validity.model_validate(WINDOW["validity"])
    yield from posted(WINDOW)
    yield from _head(words["claimed"], words["until"])
    for at in map(datetime.fromisoformat, _CLAIMS):
        code = closed("active", terms, "claim", at)
        end = window(terms, at)[1].astimezone(at.tzinfo)
        yield row([_clock(at, language), _clock(end, language) if code is None else _told(reason_of(code), language)])


def hours(language: Language) -> Iterator[str]:
    """Nights that go on over midnight."""
    words, terms = WORDS[language], Validity.model_validate(NIGHTS["validity"])
    yield from posted(NIGHTS)
    yield from _head(words["moment"], words["usable"])
    for at in (datetime.fromisoformat(f"{moment}:00+08:00") for moment in _MOMENTS):
        yield row([_clock(at, language), words["yes" if open_at(terms, at, ZONE) else "no"]])


def limits(language: Language) -> Iterator[str]:
    """Who gets one, in the order in which they come."""
    words, given = WORDS[language], Limits.model_validate(LIMITED["limits"])
    supply, held = Supply(given.total, given.per_day, None, given.per_customer, 0), dict[str, int]()
    yield from posted(LIMITED)
    yield from _head("", words["who"], words["answer"])
    for number, customers in enumerate(_DAYS, 1):
        supply.day = given.per_day
        for customer in customers:
            (decided,) = share_out(supply, [customer], held)
            if isinstance(decided, int):
                held[customer] = decided
            told = words["given"] if isinstance(decided, int) else _told(reason_of(decided), language)
            yield row([words["day"].format(number=number), customer, told])


def budgets(language: Language) -> Iterator[str]:
    """How many coupons a budget is enough for."""
    words = WORDS[language]
    yield from _head(words["benefit"], words["limit"], words["reserved"], words["most"])
    for benefit, limit in _BUDGETED:
        offer = OfferIn.model_validate(
            {"name": "x", "benefit": benefit, "limits": limit, "threshold": {"amount": 30000}}
        )
        cost = worst_case(offer.benefit) if offer.limits.budget_on == "issue" else None
        supply = Supply(None, None, offer.limits.budget, None, cost or 0)
        if found := faults(offer.terms(), offer.limits):
            reserved, most = "", words["refused"].format(code=found[0].code)
        elif cost is None:
            reserved, most = "", words["unbounded"].format(budget=format_money(_BUDGET))
        else:
            reserved, most = format_money(cost), str(supply.most())
        yield row([f"`{json.dumps(benefit)}`", f"`{json.dumps(limit)}`", reserved, most])


def audience(language: Language) -> Iterator[str]:
    """Which customers an offer is for."""
    words, chinese = WORDS[language], language == "zh"
    yield from _head(words["customer"], *(f"`{json.dumps(scope)}`" for scope in _AUDIENCES))
    reasons: dict[str, None] = {}
    for name, (english, told, facts) in _CUSTOMERS.items():
        wrong = [unfit(Scope.model_validate(scope), facts, _NOW) for scope in _AUDIENCES]
        reasons |= dict.fromkeys(reason for one in wrong for reason in one)
        marks = [words["no" if one else "yes"] for one in wrong]
        yield row([f"{name}：{told}" if chinese else f"{name}: {english}", *marks])
    yield ""
    for key in reasons:
        yield f"- {_told(explain(key), language)}"


def codes(language: Language) -> Iterator[str]:
    """What becomes of a code that somebody types."""
    words, swapped = WORDS[language], _CODE[1] + _CODE[0] + _CODE[2:]
    wide = "".join(chr(ord(one) + 0xFEE0) for one in _CODE)
    yield from _head(words["typed"], words["read"], "")
    for typed in (_CODE, f" {_CODE[:4].lower()}-{_CODE[4:]} ", wide, _CODE.replace("Q", "O"), swapped):
        read = corrected(normalised(typed))
        yield row([f"`{typed}`", f"`{read}`", words["ours" if well_formed(read) else "not_ours"]])
    for typed in _PUBLIC:
        yield row([f"`{typed}`", f"`{normalised(typed)}`", words["allowed" if readable(typed) else "not_allowed"]])


RUNNING: Mapping[str, Callable[[Language], Iterator[str]]] = {
    one.__name__: one for one in (statuses, changes, validity, hours, limits, budgets, audience, codes)
}
"""The blocks of the pages for marketers that show no cart."""


def posted(body: Json) -> Iterator[str]:
    """A body as one posts it."""
    pairs = [f'"{name}": {json.dumps(value, ensure_ascii=False)}' for name, value in body.items()]
    yield from ("```", "POST /v1/coupon-templates", "{" + ",\n ".join(pairs) + "}", "```", "")


def _head(*names: str) -> Iterator[str]:
    yield row(names)
    yield row(["---"] * len(names))


def _told(reason: Reason, language: Language) -> str:
    return f"{reason.detail if language == 'en' else reason.detail_zh} (`{reason.code}`)"


def _clock(at: datetime, language: Language) -> str:
    return f"{WORDS[language]['weekdays'].split()[at.weekday()]} {at:%Y-%m-%d %H:%M}"
