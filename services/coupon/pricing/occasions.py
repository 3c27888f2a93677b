"""Occasions on which offers meet 同时可用: at an instant, on a channel, for a tier. Pure."""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise, product

from services.coupon.templates.terms import Terms
from services.coupon.templates.validity import FOREVER, Validity, open_at
from shared.zones import zone

MOST_OCCASIONS = 300
"""More of them are not told apart: then offers are taken to meet that perhaps never do."""
_ANY_WEEK = datetime(2026, 11, 2)  # noqa: DTZ001 - a Monday, read in the zone of each offer
_ZONE = "Asia/Shanghai"


@dataclass(frozen=True, slots=True)
class LiveOffer:
    """An offer that is active now, or about to be."""

    id: str
    name: str
    terms: Terms
    automatic: bool


def occasions(new: Terms, live: Sequence[LiveOffer], now: datetime) -> list[list[LiveOffer]]:
    """For each occasion on which the new offer holds, the live offers that one order may use beside it."""
    partners = [one for one in live if _may_meet(new, one.terms)]
    instants = _instants([_window(one, now) for one in (new.validity, *(one.terms.validity for one in partners))])
    channels, tiers = (_choices(new, partners, name) for name in ("channels", "tiers"))
    if len(instants) * len(channels) * len(tiers) > MOST_OCCASIONS:
        return [partners]
    found: dict[tuple[str, ...], list[LiveOffer]] = {}
    for at, channel, tier in product(instants, channels, tiers):
        some = [one for one in partners if _holds(one.terms, at, channel, tier, now)]
        found.setdefault(tuple(one.id for one in some), some)
    return list(found.values())


def _may_meet(one: Terms, other: Terms) -> bool:
    """Whether one order may use both, for all that does not depend on third ones."""
    if one.stacking.exclusive or other.stacking.exclusive:
        return False
    if one.stacking.group is not None and one.stacking.group == other.stacking.group:
        return False
    return _open_together(one.validity, other.validity)


def _instants(windows: Sequence[tuple[datetime, datetime]]) -> list[datetime]:
    """Of the instants within the first window those at which most of the others may be open: starts, the last ones before an
    end."""
    first, last = windows[0]
    starts = sorted({max(first, starts) for starts, _ in windows if starts < last})
    ends = sorted({ends for _, ends in windows})
    return [at for at, then in pairwise([*starts, FOREVER]) if bisect_right(ends, at) < bisect_right(ends, then)]


def _window(validity: Validity, now: datetime) -> tuple[datetime, datetime]:
    return max(validity.from_ or now, now), validity.until or FOREVER


def _choices(new: Terms, partners: Sequence[LiveOffer], name: str) -> Sequence[str | None]:
    """The channels or tiers that are worth looking at: those that are named. Who names none holds on all of them."""
    own = getattr(new.scope, name)
    named = own or sorted({one for live in partners for one in getattr(live.terms.scope, name)})
    return list(named) or [None]


def _holds(terms: Terms, at: datetime, channel: str | None, tier: str | None, now: datetime) -> bool:
    starts, ends = _window(terms.validity, now)
    scope = terms.scope
    return (
        starts <= at < ends
        and (not scope.channels or channel in scope.channels)
        and (not scope.tiers or tier in scope.tiers)
    )


def _open_together(one: Validity, other: Validity) -> bool:
    """Whether weekdays and hours of both allow one instant: then one of them begins within the other."""
    if not (one.weekdays or one.hours) or not (other.weekdays or other.hours):
        return True
    begins = [*_begins(one), *_begins(other)]
    return any(open_at(one, at, _ZONE) and open_at(other, at, _ZONE) for at in begins)


def _begins(validity: Validity) -> Iterator[datetime]:
    """When its hours begin on each day of a week, and the days themselves."""
    here = zone(validity.time_zone or _ZONE)
    times = ["00:00", *(span.from_ for span in validity.hours)]
    for day, clock in product(range(7), times):
        at = _ANY_WEEK + timedelta(days=day, hours=int(clock[:2]), minutes=int(clock[3:]))
        yield at.replace(tzinfo=here)
