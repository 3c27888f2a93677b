"""What looks wrong about a coupon that was got, and how wrong. Pure.

Each finding adds points, more of the same evidence never takes points away, and 100 is the most.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

MOST_SCORE = 100


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known when one coupon is scored; counts of customers include theirs."""

    customers_on_device: int = 0
    customers_on_address: int = 0
    coupons_last_minute: int = 0
    """of this customer"""
    known_for: timedelta | None = None
    """since the customer's first coupon"""
    failures: int = 0
    """wrong codes of this customer, device or address of late"""
    device_coupons: int = 0
    """of this template, on this device"""
    template_coupons: int = 0


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that looks wrong, its points, and the figures that its sentence names."""

    code: str
    points: int
    values: Mapping[str, int | str]


_SENTENCES: dict[str, tuple[str, str]] = {
    "many_customers_on_device": ("同一设备近一天有{count}位顾客领取", "{count} customers on one device within a day"),
    "many_customers_on_address": (
        "同一网络地址近一天有{count}位顾客领取",
        "{count} customers on one address within a day",
    ),
    "fast": ("该顾客一分钟内领取{count}张", "{count} coupons of the customer within a minute"),
    "brand_new_customer": ("新出现的顾客", "the customer was never seen before"),
    "failed_before": ("此前输错{count}次", "{count} wrong codes before"),
    "device_takes_share": (
        "同一设备领走该活动{count}张，占{percent}%",
        "one device took {count} coupons of the template, {percent} % of all",
    ),
    "velocity": ("超过频次规则{rule}", "over the velocity rule {rule}"),
}


def findings(facts: Facts) -> tuple[Finding, ...]:
    """All that looks wrong, the heaviest first. Families share a phone, campuses an address: a few are no finding."""
    found = []
    if facts.customers_on_device >= 3:
        points = min(20 + 15 * (facts.customers_on_device - 3), 80)
        found.append(Finding("many_customers_on_device", points, {"count": facts.customers_on_device}))
    if facts.customers_on_address >= 20:
        points = min(10 + (facts.customers_on_address - 20), 40)
        found.append(Finding("many_customers_on_address", points, {"count": facts.customers_on_address}))
    if facts.coupons_last_minute >= 5:
        points = min(10 + 5 * (facts.coupons_last_minute - 5), 40)
        found.append(Finding("fast", points, {"count": facts.coupons_last_minute}))
    if facts.known_for is not None and facts.known_for < timedelta(minutes=10):
        found.append(Finding("brand_new_customer", 10, {}))
    if facts.failures >= 3:
        found.append(Finding("failed_before", min(5 * facts.failures, 30), {"count": facts.failures}))
    share = _share(facts)
    if facts.device_coupons >= 5 and share >= 5:
        values = {"count": facts.device_coupons, "percent": share}
        found.append(Finding("device_takes_share", min(20 + share, 60), values))
    return tuple(sorted(found, key=lambda one: (-one.points, one.code)))


def _share(facts: Facts) -> int:
    """Percent of the template's coupons that the device took, rounded down."""
    return 100 * facts.device_coupons // max(facts.template_coupons, facts.device_coupons, 1)


def score(found: Sequence[Finding]) -> int:
    return min(sum(one.points for one in found), MOST_SCORE)


def over_velocity(rule_id: str) -> Finding:
    """The finding of a rule that asks for review: heavy enough for a case by itself."""
    return Finding("velocity", MOST_SCORE, {"rule": rule_id})


def told(found: Sequence[Finding]) -> list[dict[str, Any]]:
    """The findings as a case keeps them: code, points, a sentence in English and Chinese."""
    answer = []
    for one in found:
        chinese, english = _SENTENCES[one.code]
        sentences = {"detail": english.format(**one.values), "detail_zh": chinese.format(**one.values)}
        answer.append({"code": one.code, "points": one.points, **sentences})
    return answer


def merged(old: Sequence[dict[str, Any]], new: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The reasons of a case that grew: for each code the heavier one, the newer one of two alike."""
    best = {one["code"]: one for one in old}
    for one in new:
        if one["code"] not in best or one["points"] >= best[one["code"]]["points"]:
            best[one["code"]] = one
    return sorted(best.values(), key=lambda one: (-one["points"], one["code"]))
