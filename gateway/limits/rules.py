"""The generic cell rate algorithm (GCRA). Pure: the time comes as an argument, in seconds.

A bucket is one number, the theoretical arrival time: when the next request would come if all were evenly spaced.
Nothing doubles at the edge of a window, and an idle bucket needs no memory.
"""

from dataclasses import dataclass
from math import ceil

from gateway.policy import Policy


@dataclass(frozen=True, slots=True)
class Decision:
    """What happens to one request. `retry_after` and `reset` are seconds from now; `arrival` is the bucket's new number."""

    allowed: bool
    arrival: float
    remaining: int
    reset: float
    retry_after: float


def decide(policy: Policy, arrival: float, now: float, cost: int = 1) -> Decision:
    """Judge a request that costs `cost`, against a bucket with `arrival` (0 for a new one).

    A refused request leaves the bucket as it was. A clock that jumped back can't lock a bucket for longer than a window.
    """
    begin = min(max(arrival, now), now + policy.window)
    after = begin + cost * policy.spacing
    # Half a spacing's millionth absorbs float rounding; without it the last request of a quota is refused at random.
    if after - now > policy.window + policy.spacing * 1e-6:
        return Decision(False, begin, _left(policy, begin - now), begin - now, max(after - now - policy.window, 0.0))
    return Decision(True, after, _left(policy, after - now), after - now, 0.0)


def _left(policy: Policy, used_seconds: float) -> int:
    return max(0, int((policy.window - used_seconds) / policy.spacing + 1e-6))


def headers(policy: Policy, decision: Decision) -> list[tuple[bytes, bytes]]:
    """RateLimit-Policy and RateLimit, and Retry-After for a refusal: whole seconds, rounded up."""
    name = policy.name.encode("ascii")
    seconds = ceil(decision.reset if decision.allowed else decision.retry_after)
    fields = [
        (b"ratelimit-policy", b'"%b";q=%d;w=%d' % (name, policy.quota, ceil(policy.window))),
        (b"ratelimit", b'"%b";r=%d;t=%d' % (name, decision.remaining, max(seconds, 1))),
    ]
    if not decision.allowed:
        fields.append((b"retry-after", b"%d" % max(seconds, 1)))
    return fields
