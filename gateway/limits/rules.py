"""The generic cell rate algorithm (GCRA). Pure: the time comes as an argument, in seconds.

A bucket is one number, the theoretical arrival time: when the next request would come if all were evenly spaced.
Nothing doubles at the edge of a window, and an idle bucket needs no memory.
"""

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


def decide(policy: Policy, arrival: float, now: float, cost: int = 1) -> Decision:
    """Judge a request that costs `cost`, against a bucket with `arrival` (0 for a new one).

    A refused request leaves the bucket as it was. None is locked for longer than a window, whatever its number.
    """
    used = min(max(arrival - now, 0.0), 2 * policy.window)
    after = used + cost * policy.spacing
    # A spacing's millionth absorbs float rounding; without it the last request of a quota is refused at random.
    if after > policy.window + policy.spacing * 1e-6:
        return refused(policy, now, used, cost)
    return passed(policy, now, after)


def charge(policy: Policy, arrival: float, now: float, cost: int) -> Decision:
    """Count what was let through already and turned out to cost `cost` more. What exceeds the quota is a debt.

    A debt is a window's quota at most, and has to pass before the next request may.
    """
    return passed(policy, now, min(max(arrival - now, 0.0) + cost * policy.spacing, 2 * policy.window))


def passed(policy: Policy, now: float, used: float) -> Decision:
    """A request goes on; after it `used` seconds of the window are used up."""
    return Decision(policy, True, now + used, _left(policy, used), used, 0.0)


def refused(policy: Policy, now: float, used: float, cost: int) -> Decision:
    """A request that costs `cost` is too much while `used` seconds of the window are used up."""
    wait = max(used + cost * policy.spacing - policy.window, 0.0)
    return Decision(policy, False, now + used, _left(policy, used), used, wait)


def _left(policy: Policy, used_seconds: float) -> int:
    return max(0, int((policy.window - used_seconds) / policy.spacing + 1e-6))


def headers(decision: Decision) -> list[tuple[bytes, bytes]]:
    """RateLimit-Policy and RateLimit, and Retry-After for a refusal: whole seconds, rounded up."""
    policy = decision.policy
    name = policy.name.encode("ascii")
    seconds = ceil(decision.reset if decision.allowed else decision.retry_after)
    fields = [
        (b"ratelimit-policy", b'"%b";q=%d;w=%d' % (name, policy.quota, ceil(policy.window))),
        (b"ratelimit", b'"%b";r=%d;t=%d' % (name, decision.remaining, max(seconds, 1))),
    ]
    if not decision.allowed:
        fields.append((b"retry-after", b"%d" % max(seconds, 1)))
    return fields
