"""What tracked events teach about customers, and whether an offer is for a customer. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from services.coupon.templates.terms import Scope
from shared.contracts import TrackedEvent

ORDER_COMPLETED = "Order Completed"
_LONGEST = 200
_MILLISECONDS = 10**11
"""Numbers of at least this are epoch milliseconds, smaller ones seconds."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a customer now, as far as it was asked for. `held`: an open order uses a first-order offer;
    `refunded`: they ordered once, and all of it came back.
    """

    segments: frozenset[str] = frozenset()
    tier: str | None = None
    known_since: datetime | None = None
    ordered: bool = False
    held: bool = False
    refunded: bool = False


@dataclass(frozen=True, slots=True)
class Learned:
    """What one batch of events says of a customer. Without `tier_at` it says nothing of the tier."""

    customer_id: str
    known_since: datetime
    tier: str | None = None
    tier_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Ordered:
    """A completed order."""

    order_id: str
    customer_id: str
    completed_at: datetime


def asks(scope: Scope) -> bool:
    """True when facts about the customer decide."""
    return bool(scope.segments or scope.tiers or scope.first_order_only) or scope.new_customer_days is not None


def not_for(scope: Scope, facts: Facts, now: datetime) -> str | None:
    """The first reason why the offer is not for this customer; None when it is."""
    return next(iter(unfit(scope, facts, now)), None)


def unfit(scope: Scope, facts: Facts, now: datetime) -> list[str]:
    """All reasons why the offer is not for this customer."""
    days = scope.new_customer_days
    again = scope.first_order_again == "once" and facts.refunded
    wrong = {
        "not_eligible:segment": bool(scope.segments) and facts.segments.isdisjoint(scope.segments),
        "not_eligible:tier": bool(scope.tiers) and facts.tier not in scope.tiers,
        "not_eligible:new_customer": days is not None and not _new(facts.known_since, days, now),
        "not_eligible:first_order": scope.first_order_only and facts.ordered and not again,
    }
    return [reason for reason, holds in wrong.items() if holds]


def _new(known_since: datetime | None, days: int, now: datetime) -> bool:
    """Of a new customer nobody told yet; their first coupon or order tells of them."""
    return known_since is None or now < known_since + timedelta(days=days)


def people(events: Iterable[TrackedEvent]) -> list[Learned]:
    """What the events say of each customer, in the order of their ids; of two words at one instant the later counts."""
    found: dict[str, Learned] = {}
    for event in events:
        if not _storable(event.customer_id):
            continue
        customer_id = str(event.customer_id)
        before = found.get(customer_id, Learned(customer_id, event.timestamp))
        # A group's traits are not the person's own; an import carries the person's traits with the order.
        traits = event.traits if event.type == "identify" or event.history else {}
        since = min(before.known_since, event.timestamp, _created(traits) or event.timestamp)
        told, tier = _tier(traits)
        newer = told and (before.tier_at is None or before.tier_at <= event.timestamp)
        at = event.timestamp if newer else before.tier_at
        found[customer_id] = Learned(customer_id, since, tier if newer else before.tier, at)
    return [found[customer_id] for customer_id in sorted(found)]


def orders(events: Iterable[TrackedEvent]) -> list[Ordered]:
    """The completed orders among the events, each once, in the order of their ids."""
    found: dict[str, Ordered] = {}
    for event in events:
        if event.event != ORDER_COMPLETED or not _storable(event.customer_id):
            continue
        named = event.properties.get("order_id")
        order_id = str(named) if isinstance(named, str | int) and not isinstance(named, bool) else ""
        order_id = order_id if _storable(order_id) else event.message_id
        found.setdefault(order_id, Ordered(order_id, str(event.customer_id), event.timestamp))
    return [found[order_id] for order_id in sorted(found)]


def news(learned: Sequence[Learned], known: dict[str, Learned]) -> list[Learned]:
    """Those of `learned` that say more than is `known`: most events of a known customer teach nothing."""
    return [one for one in learned if (before := known.get(one.customer_id)) is None or _says_more(one, before)]


def _says_more(one: Learned, before: Learned) -> bool:
    if one.known_since < before.known_since:
        return True
    return one.tier_at is not None and (before.tier_at is None or before.tier_at <= one.tier_at)


def _tier(traits: dict[str, Any]) -> tuple[bool, str | None]:
    """Whether the traits say anything of the tier, and what; `member_tier` goes before `tier`, null takes it away."""
    for name in ("member_tier", "tier"):
        if name in traits:
            value = traits[name]
            if value is None or value == "":
                return True, None
            if isinstance(value, str | int) and not isinstance(value, bool) and _storable(str(value)):
                return True, str(value)
    return False, None


def _created(traits: dict[str, Any]) -> datetime | None:
    """When the customer registered, as `createdAt` tells it: ISO 8601, or epoch seconds or milliseconds."""
    value = traits.get("createdAt", traits.get("created_at"))
    try:
        if isinstance(value, str):
            at = datetime.fromisoformat(value.strip())
            return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC)
        if isinstance(value, int | float) and not isinstance(value, bool):
            return datetime.fromtimestamp(value / 1000 if abs(value) >= _MILLISECONDS else value, UTC)
    except (ValueError, OverflowError, OSError):
        return None  # no date that anybody could read: as if it were not said
    return None


def _storable(value: str | None) -> bool:
    return value is not None and 0 < len(value) <= _LONGEST and "\x00" not in value
