"""The generic cell rate algorithm (GCRA), and quotas of a period. Pure: the time comes as an argument, in seconds.

A bucket is one number, the theoretical arrival time: when the next request would come if all were evenly spaced.
Nothing doubles at the edge of a window, and an idle bucket needs no memory. The bucket of a period is the number of its calls:
the same arithmetic, with a `now` that is always 0 and a spacing of 1.
"""

from collections.abc import Iterable, Sequence
from math import ceil
from typing import NamedTuple

from gateway.policy import Policy


class Decision(NamedTuple):
    """What `policy` does to one request. `retry_after` and `reset` are seconds from now; `arrival` is the bucket's new number."""

    policy: Policy
    allowed: bool
    arrival: float
    remaining: int
    reset: float
    retry_after: float


def used_up(policy: Policy, arrival: float, now: float) -> float:
    """How much of a bucket's depth is used up. None is locked for longer than a full one is, whatever its number."""
    used = max(arrival - now, 0.0)
    return used if policy.period else min(used, 2 * policy.depth)


def decide(policy: Policy, arrival: float, now: float, cost: int = 1, ends_in: float = 0.0) -> Decision:
    """Judge a request that costs `cost`, against a bucket with `arrival` (0 for a new one).

    A refused request leaves the bucket as it was. `ends_in`: seconds until the policy's period ends.
    """
    used = used_up(policy, arrival, now)
    after = used + cost * policy.spacing
    # A spacing's millionth absorbs float rounding; without it the last request of a quota is refused at random.
    if after > policy.depth + policy.spacing * 1e-6:
        return refused(policy, now, used, cost, ends_in)
    return passed(policy, now, after, ends_in)


def charge(policy: Policy, arrival: float, now: float, cost: int, ends_in: float = 0.0) -> Decision:
    """Count what was let through already and turned out to cost `cost` more. What exceeds the quota is a debt.

    A debt is a full bucket at most, and has to pass before the next request may; that of a period ends with it.
    """
    return passed(policy, now, used_up(policy, max(arrival, now) + cost * policy.spacing, now), ends_in)


def passed(policy: Policy, now: float, used: float, ends_in: float = 0.0) -> Decision:
    """A request goes on; after it `used` of the bucket's depth is used up."""
    reset = ends_in if policy.period else used
    return Decision(policy, True, now + used, _left(policy, used), reset, 0.0)


def refused(policy: Policy, now: float, used: float, cost: int, ends_in: float = 0.0) -> Decision:
    """A request that costs `cost` is too much while `used` of the bucket's depth is used up."""
    reset = ends_in if policy.period else used
    wait = ends_in if policy.period else max(used + cost * policy.spacing - policy.depth, 0.0)
    return Decision(policy, False, now + used, _left(policy, used), reset, wait)


def _left(policy: Policy, used: float) -> int:
    return max(0, int((policy.depth - used) / policy.spacing + 1e-6))


def tightest(decisions: Sequence[Decision]) -> list[Decision]:
    """One for each policy's name: those that refuse first, the longest wait before all; then those with the least left."""
    if len(decisions) == 1:
        return list(decisions)
    ordered = sorted(decisions, key=lambda one: (one.allowed, -one.retry_after, one.remaining))
    by_name: dict[str, Decision] = {}
    for one in ordered:
        by_name.setdefault(one.policy.name, one)
    return list(by_name.values())


def headers(decisions: Iterable[Decision]) -> list[tuple[bytes, bytes]]:
    """RateLimit-Policy and RateLimit of all policies in their order, and Retry-After for a refusal: whole seconds, rounded up."""
    policies, told, wait = [], [], 0
    for one in decisions:
        name, window = one.policy.name.encode("ascii"), ceil(one.policy.window)
        seconds = max(ceil(one.reset if one.allowed else one.retry_after), 1)
        policies.append(b'"%b";q=%d;w=%d' % (name, one.policy.quota, window))
        told.append(b'"%b";r=%d;t=%d' % (name, one.remaining, seconds))
        if not one.allowed:
            wait = max(wait, seconds)
    if not told:
        return []
    fields = [(b"ratelimit-policy", b", ".join(policies)), (b"ratelimit", b", ".join(told))]
    return [*fields, (b"retry-after", b"%d" % wait)] if wait else fields
