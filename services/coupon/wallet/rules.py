"""Who gets a coupon of a batch, and what a coupon's status is now. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil
from typing import Literal

from services.coupon.templates.supply import Supply
from services.coupon.templates.validity import FOREVER, Validity
from services.coupon.wishes import Source

_BY_CUSTOMER = frozenset(("claim", "code", "share", "qr"))
"""What customers do themselves waits for the offer's window; what the merchant gives may come before it opens."""
_LEASE_SHARE, _LEASE_LEAST = 8, 64


def lease_size(supply: Supply, most: int) -> int:
    """How many coupons to lease to one of several processes: an eighth of what is left, so that all get their turn.

    0 near the end, where leases would only be taken from each other.
    """
    left = supply.most()
    size = most if left is None else min(most, left // _LEASE_SHARE)
    return size if size >= _LEASE_LEAST else 0


def share_out(supply: Supply, customers: Sequence[str], held: Mapping[str, int]) -> list[int | str]:
    """For each customer in order of arrival: the number of the new coupon among theirs, or the code of the refusal.

    `held` is the highest number that each customer has of this template. `supply` is left with what remains.
    """
    numbers = dict(held)
    decided: list[int | str] = []
    for customer in customers:
        number = numbers.get(customer, 0) + 1
        if supply.per_customer is not None and number > supply.per_customer:
            decided.append("claim_limit_reached")
            continue
        refusal = supply.refusal()
        if refusal is not None:
            decided.append(refusal)
            continue
        supply.take()
        numbers[customer] = number
        decided.append(number)
    return decided


LIMITS = frozenset(("sold_out", "day_limit_reached", "budget_exhausted"))
"""Refusals because of what all customers together took: they pass when something comes back."""


def closed(status: str, validity: Validity, source: Source, now: datetime) -> str | None:
    """Why a template gives out nothing now; None when it is open."""
    if status != "active":
        return {"draft": "not_started:draft", "ended": "ended"}.get(status, "paused")
    if validity.until is not None and now >= validity.until:
        return "ended"
    if source in _BY_CUSTOMER and validity.from_ is not None and now < validity.from_:
        return "not_started"
    return None


State = Literal["claimable", "claimed", "not_started", "not_eligible", "gone"]


def state_of(code: str | None, held: int, per_customer: int | None) -> State:
    """What the claim centre shows of an offer whose claim would be refused with that code (None: granted)."""
    if per_customer is not None and held >= per_customer:
        return "claimed"
    if code is None:
        return "claimable"
    return "gone" if code in LIMITS else "not_started" if code == "not_started" else "not_eligible"


def taken_percent(total: int, remaining: int) -> int:
    """Whole percent that is taken; rounded down, so that 100 means gone."""
    return (total - remaining) * 100 // total if total else 100


def effective(status: str, valid_until: datetime, locked_until: datetime | None, now: datetime) -> str:
    """The status by the clock: a lock that ran out holds nothing, a coupon whose time is over is expired."""
    if status == "locked" and locked_until is not None and locked_until <= now:
        status = "issued"
    if status == "issued" and valid_until <= now:
        return "expired"
    return status


def reminder(ends: datetime, days_before: int, now: datetime) -> datetime | None:
    """When to remind the owner of a coupon given out now that it ends; None for never (0 days, no end, or too soon)."""
    if not days_before or ends == FOREVER:
        return None
    at = ends - timedelta(days=days_before)
    return at if at > now else None


def worth_reminding(remind_at: datetime, valid_until: datetime, now: datetime) -> bool:
    """False when the reminder comes so late that less than half of the notice is left: better none than a useless one."""
    return now < valid_until and now - remind_at <= (valid_until - remind_at) / 2


_CHUNK_SECONDS, _LEAST_CHUNK = 0.1, 200


def next_chunk(size: int, seconds: float, most: int) -> int:
    """How many customers the next transaction of a job serves, after one of `size` took so long.

    Others wait for the same rows that long, so transactions are kept near a tenth of a second whatever the machine.
    """
    wanted = int(size * min(max(_CHUNK_SECONDS / max(seconds, 0.001), 0.5), 2.0))
    return max(min(wanted, most), min(_LEAST_CHUNK, most))


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a job is: whole percent, customers a second so far, seconds that it will still take."""

    percent: int
    rate: int | None
    eta_seconds: int | None


def progress(served: int, total: int, running_for: float, going: bool) -> Progress:
    """`running_for` are the seconds from the start to the last chunk; `going`: it is not at its end."""
    percent = served * 100 // total if total else 0
    if served == 0 or running_for <= 0:
        return Progress(percent, None, None)
    rate = served / running_for
    return Progress(percent, round(rate), ceil((total - served) / rate) if going else None)
