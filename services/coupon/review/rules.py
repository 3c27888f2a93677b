"""What looks wrong about a coupon that was got, and how wrong. Pure.

Each finding adds points, more of the same evidence never takes points away, and 100 is the most.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Self

from services.coupon.settings import CouponSettings, Ramp

MOST_SCORE = 100


@dataclass(frozen=True, slots=True)
class Signals:
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
class Weights:
    """How much each sign weighs (docs/adr/0011-abuse-scores.md)."""

    device_customers: Ramp
    address_customers: Ramp
    minute_coupons: Ramp
    wrong_codes: Ramp
    device_share: Ramp
    """of the percentage that the device took"""
    device_share_coupons: int
    """so many it must have taken, or its share says nothing"""
    new_for: timedelta
    new_points: int

    @classmethod
    def of(cls, settings: CouponSettings) -> Self:
        """As the operator set them."""
        return cls(
            device_customers=settings.abuse_device_customers,
            address_customers=settings.abuse_address_customers,
            minute_coupons=settings.abuse_minute_coupons,
            wrong_codes=settings.abuse_wrong_codes,
            device_share=settings.abuse_device_share,
            device_share_coupons=settings.abuse_device_share_coupons,
            new_for=timedelta(minutes=settings.abuse_new_minutes),
            new_points=settings.abuse_new_points,
        )


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


def findings(signals: Signals, weights: Weights) -> tuple[Finding, ...]:
    """All that looks wrong, the heaviest first. Families share a phone, campuses an address: a few are no finding."""
    share = _share(signals)
    enough = signals.device_coupons >= weights.device_share_coupons
    new = signals.known_for is not None and signals.known_for < weights.new_for
    taken: dict[str, int | str] = {"count": signals.device_coupons, "percent": share}
    ramps = (
        ("many_customers_on_device", signals.customers_on_device, weights.device_customers),
        ("many_customers_on_address", signals.customers_on_address, weights.address_customers),
        ("fast", signals.coupons_last_minute, weights.minute_coupons),
        ("failed_before", signals.failures, weights.wrong_codes),
    )
    found = [
        Finding(code, points, {"count": number}) for code, number, ramp in ramps if (points := _points(ramp, number))
    ]
    if new and weights.new_points:
        found.append(Finding("brand_new_customer", weights.new_points, {}))
    if enough and (points := _points(weights.device_share, share)):
        found.append(Finding("device_takes_share", points, taken))
    return tuple(sorted(found, key=lambda one: (-one.points, one.code)))


def _points(ramp: Ramp, number: int) -> int:
    """More for more, and never over the most."""
    return 0 if number < ramp.start else min(ramp.first + ramp.each * (number - ramp.start), ramp.most)


def _share(signals: Signals) -> int:
    """Percent of the template's coupons that the device took, rounded down."""
    return 100 * signals.device_coupons // max(signals.template_coupons, signals.device_coupons, 1)


def score(found: Sequence[Finding]) -> int:
    """The points of all, at most 100."""
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


def merged(old: Sequence[Mapping[str, Any]], new: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The reasons of a case that grew: for each code the heavier one, the newer one of two alike."""
    best = {one["code"]: one for one in old}
    for one in new:
        if one["code"] not in best or one["points"] >= best[one["code"]]["points"]:
            best[one["code"]] = one
    return sorted(best.values(), key=lambda one: (-one["points"], one["code"]))
