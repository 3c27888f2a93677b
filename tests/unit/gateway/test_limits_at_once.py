"""Several limits at once, against a model that keeps tokens in a jar; calendar quotas; which one is told first."""

from datetime import UTC, datetime
from fractions import Fraction

from hypothesis import example, given
from hypothesis import strategies as st

from gateway.limits.periods import Calendar
from gateway.limits.rules import decide, headers, tightest
from gateway.limits.store import Count, Hit, MemoryLimiter
from gateway.policy import Policy
from shared.clock import ManualClock
from shared.zones import zone

START = datetime(2026, 5, 31, 1, tzinfo=UTC)  # 09:00 in Shanghai
QUARTERS = st.integers(0, 40)


@st.composite
def policies(draw: st.DrawFn, name: str) -> Policy:
    """Their numbers are such that floats are exact."""
    if draw(st.booleans()):
        quota = draw(st.integers(1, 6))
        spacing = draw(st.sampled_from([0.25, 0.5, 1, 2]))
        return Policy(name, quota, quota * spacing, draw(st.none() | st.integers(1, 8)))
    return Policy(name, draw(st.integers(1, 12)), 86400, period="day")


class Jar:
    """Tokens that come back, or don't."""

    def __init__(self, policy: Policy) -> None:
        self.full = Fraction(policy.quota if policy.burst is None else policy.burst)
        self.rate = Fraction(0) if policy.period else 1 / Fraction(policy.spacing)
        self.tokens = self.full

    def wait(self, seconds: Fraction) -> None:
        self.tokens = min(self.full, self.tokens + seconds * self.rate)


@given(
    st.lists(st.one_of([policies(name) for name in "abc"]), min_size=1, max_size=4),
    st.lists(st.tuples(QUARTERS, st.integers(0, 15)), max_size=60),
)
@example([Policy("a", 2, 1, 4), Policy("b", 9, 86400, period="day")], [(0, 15)] * 20)
def test_a_call_passes_when_every_limit_has_room_and_else_counts_in_none(
    limits: list[Policy], calls: list[tuple[int, int]]
) -> None:
    clock = ManualClock(START)
    limiter, jars = MemoryLimiter(clock, Calendar(zone("Asia/Shanghai"))), [Jar(policy) for policy in limits]
    everywhere = (1 << len(limits)) - 1
    for quarters, chosen in calls:
        clock.advance(seconds=quarters / 4)
        for jar in jars:
            jar.wait(Fraction(quarters, 4))
        concerned = [n for n in range(len(limits)) if (chosen & everywhere or everywhere) >> n & 1]
        decisions = limiter.hit_now([Hit(f"bucket-{n}", limits[n]) for n in concerned])
        assert [one.allowed for one in decisions] == [jars[n].tokens >= 1 for n in concerned]
        if all(one.allowed for one in decisions):
            for n in concerned:
                jars[n].tokens -= 1
        assert [one.remaining for one in decisions] == [int(jars[n].tokens) for n in concerned]


def test_the_merchants_day_and_month_end_at_their_own_midnight() -> None:
    clock = ManualClock(datetime(2026, 5, 31, 15, 59, 59, tzinfo=UTC))  # one second before June in Shanghai
    limiter = MemoryLimiter(clock, Calendar(zone("Asia/Shanghai")))
    hits = [
        Hit("k", Policy("daily", 1, 86400, period="day")),
        Hit("k", Policy("monthly", 2, 30 * 86400, period="month")),
    ]
    assert all(one.allowed for one in limiter.hit_now(hits))
    refused, room = limiter.hit_now(hits)
    assert (refused.allowed, refused.retry_after, room.remaining) == (False, 1.0, 1)
    clock.advance(seconds=1)
    assert [one.remaining for one in limiter.hit_now(hits)] == [0, 1], "both began anew"
    clock.advance(seconds=86400)
    assert [one.remaining for one in limiter.hit_now(hits)] == [0, 0]
    assert limiter.uncarried()[-1].bucket == "k@2026-06-02"


def test_a_day_with_a_change_of_clocks_is_as_long_as_it_is() -> None:
    span = Calendar(zone("Europe/Berlin")).span("day", datetime(2026, 3, 29, 12, tzinfo=UTC).timestamp())
    assert (span.label, span.ends - span.begins) == ("2026-03-29", 23 * 3600)


@given(st.lists(st.tuples(st.sampled_from(["count", "carry", "fail", "others"]), st.integers(1, 5)), max_size=40))
def test_what_is_carried_is_what_was_counted_whatever_fails_between(steps: list[tuple[str, int]]) -> None:
    clock = ManualClock(START)
    limiter, policy = MemoryLimiter(clock, Calendar(zone("Asia/Shanghai"))), Policy("daily", 10**6, 86400, period="day")
    stored = here = others = 0
    for what, number in steps:
        if what == "count":
            limiter.charge_now([Hit("k", policy)], number)
            here += number
        elif what == "others":
            stored, others = stored + number, others + number
        else:
            counts = limiter.uncarried()
            if what == "fail":
                limiter.take_back(counts)
            elif counts:
                stored += counts[0].calls
                limiter.take_up([Count(counts[0].bucket, stored, counts[0].ends_at)])
                (decision,) = limiter.charge_now([Hit("k", policy)], 0)
                assert decision.arrival == here + others
    limiter.take_up([])
    assert stored + sum(one.calls for one in limiter.uncarried()) == here + others


def test_each_policy_is_told_once_the_tightest_first() -> None:
    key, maker, day = Policy("key", 10, 60, 3), Policy("key", 5, 60), Policy("daily", 4, 86400, period="day")
    decisions = [decide(key, 0, 100), decide(maker, 148, 100), decide(day, 0, 0, 1, 500.5)]
    assert dict(headers(tightest(decisions))) == {
        b"ratelimit-policy": b'"key";q=5;w=60, "daily";q=4;w=86400',
        b"ratelimit": b'"key";r=0;t=60, "daily";r=3;t=501',
    }
    refused = [decide(key, 118, 100), decide(day, 4, 0, 1, 500.5)]
    assert [one.policy.name for one in tightest(refused)] == ["daily", "key"]
    assert dict(headers(tightest(refused)))[b"retry-after"] == b"501", "never earlier than the last that refuses"
