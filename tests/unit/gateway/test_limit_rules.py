"""GCRA: never more than the quota in any window, never a refusal that was not due."""

from hypothesis import given
from hypothesis import strategies as st

from gateway.limits.rules import charge, decide, headers
from gateway.policy import Policy

POLICIES = st.builds(Policy, st.just("key"), st.integers(1, 50), st.floats(0.5, 120))
GAPS = st.lists(st.floats(0, 20), min_size=1, max_size=200)


@given(POLICIES, GAPS)
def test_no_window_lets_more_through_than_two_quotas_and_none_more_than_rate_plus_burst(
    policy: Policy, gaps: list[float]
) -> None:
    now, arrival, passed = 1_000_000.0, 0.0, []
    for gap in gaps:
        now += gap
        decision = decide(policy, arrival, now)
        arrival = decision.arrival
        if decision.allowed:
            passed.append(now)
    for index, begin in enumerate(passed):
        for end in range(index, len(passed)):
            span = passed[end] - begin
            assert end - index + 1 <= policy.quota + span / policy.spacing + 1.01


@given(POLICIES)
def test_a_fresh_bucket_gives_exactly_its_quota_at_once(policy: Policy) -> None:
    arrival, allowed = 0.0, 0
    for _ in range(policy.quota + 5):
        decision = decide(policy, arrival, 1_000_000.0)
        arrival = decision.arrival
        allowed += decision.allowed
    assert allowed == policy.quota


@given(POLICIES, GAPS)
def test_waiting_as_told_is_enough_and_a_refusal_costs_nothing(policy: Policy, gaps: list[float]) -> None:
    now, arrival = 1_000_000.0, 0.0
    for gap in gaps:
        now += gap / 10
        decision = decide(policy, arrival, now)
        if not decision.allowed:
            assert decide(policy, decision.arrival, now + decision.retry_after + 1e-6).allowed
            assert decision.remaining == 0
            assert abs(decision.arrival - arrival) < 1e-6
        arrival = decision.arrival


@given(POLICIES)
def test_a_clock_that_jumps_back_locks_nobody_out_for_longer_than_a_window(policy: Policy) -> None:
    full = decide(policy, 0.0, 2_000_000.0).arrival
    later = 1_000_000.0 + policy.window
    assert decide(policy, decide(policy, full, 1_000_000.0).arrival, later + policy.spacing).allowed


@given(POLICIES, st.integers(1, 60))
def test_remaining_counts_down_to_the_last(policy: Policy, cost: int) -> None:
    first = decide(policy, 0.0, 1_000_000.0)
    assert first.remaining == policy.quota - 1
    if cost > policy.quota:
        assert not decide(policy, 0.0, 1_000_000.0, cost).allowed


@given(POLICIES, st.integers(1, 500), st.integers(0, 60))
def test_what_a_call_turned_out_to_cost_is_a_debt_of_a_window_at_most(policy: Policy, cost: int, before: int) -> None:
    now, arrival = 1_000_000.0, 0.0
    for _ in range(before):
        arrival = decide(policy, arrival, now).arrival
    charged = charge(policy, arrival, now, cost)
    assert charged.allowed
    assert charged.arrival <= now + 2 * policy.window + 1e-6
    used = min(before, policy.quota) + cost
    if used <= 2 * policy.quota:
        assert abs(charged.arrival - (now + used * policy.spacing)) < 1e-5
    refused = decide(policy, charged.arrival, now)
    assert refused.allowed == (used < policy.quota)
    assert decide(policy, charged.arrival, now + refused.retry_after + 1e-5).allowed


@given(POLICIES, st.integers(1, 9))
def test_the_shares_of_replicas_are_no_more_than_the_policy(policy: Policy, replicas: int) -> None:
    share = policy.share(replicas)
    assert replicas / share.spacing <= 1.000001 / policy.spacing
    assert share.quota * replicas <= max(policy.quota, replicas)
    assert share.quota >= 1


def test_headers_of_an_answer_and_of_a_refusal() -> None:
    policy = Policy("key", 2, 10)
    allowed = decide(policy, 0.0, 100.0)
    assert headers([allowed]) == [(b"ratelimit-policy", b'"key";q=2;w=10'), (b"ratelimit", b'"key";r=1;t=5')]
    refused = decide(policy, decide(policy, allowed.arrival, 100.0).arrival, 100.0)
    fields = dict(headers([refused]))
    assert fields[b"retry-after"] == b"5"
    assert fields[b"ratelimit"] == b'"key";r=0;t=5'
