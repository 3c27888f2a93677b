"""The circuit breaker's rules: when it opens, whom it lets through, and how it closes again."""

from hypothesis import given
from hypothesis import strategies as st

from gateway.forwarding.breaker import LEAST_FAILURES, LONGEST_REST_SECONDS, WINDOW_SECONDS, Breaker, Circuit


def opened(now: float = 0.0) -> Breaker:
    breaker = Breaker()
    for _ in range(LEAST_FAILURES):
        breaker.failed(now)
    assert breaker.circuit is Circuit.OPEN
    return breaker


def test_few_failures_among_many_calls_open_nothing() -> None:
    breaker = Breaker()
    for number in range(300):
        breaker.failed(number / 100) if number % 3 == 0 else breaker.succeeded(number / 100)
    assert breaker.circuit is Circuit.CLOSED


def test_failures_of_long_ago_do_not_count() -> None:
    breaker = Breaker()
    for number in range(LEAST_FAILURES * 3):
        breaker.failed(number * WINDOW_SECONDS)
    assert breaker.circuit is Circuit.CLOSED


def test_it_rests_then_one_call_decides() -> None:
    breaker = opened()
    assert not breaker.admits()
    assert not breaker.wants_probe(0.5)
    assert breaker.wants_probe(1.0)
    breaker.probed(1.0, answers=False)
    assert not breaker.wants_probe(1.5)
    breaker.probed(2.0, answers=True)
    assert breaker.admits()
    assert breaker.enter()
    assert not breaker.admits(), "one trial at a time"
    breaker.succeeded(2.1)
    breaker.leave()
    assert breaker.circuit is Circuit.CLOSED


def test_a_trial_whose_caller_goes_away_decides_nothing() -> None:
    breaker = opened()
    breaker.probed(1.0, answers=True)
    breaker.enter()
    breaker.leave()
    assert (breaker.circuit, breaker.admits()) == (Circuit.HALF_OPEN, True)


def test_each_trial_in_vain_makes_the_rest_longer_up_to_a_bound() -> None:
    breaker, now, rests = opened(), 1.0, []
    for _ in range(8):
        breaker.probed(now, answers=True)
        breaker.enter()
        breaker.failed(now)
        breaker.leave()
        rests.append(breaker.seconds_left(now))
        now += rests[-1]
    assert rests == [2, 4, 8, 16, *[LONGEST_REST_SECONDS] * 4]


@given(st.lists(st.tuples(st.sampled_from(["ok", "bad", "probe", "dead"]), st.floats(0, 5)), max_size=60))
def test_whatever_happens_it_comes_back(events: list[tuple[str, float]]) -> None:
    """An instance that is well from now on is used again after one probe and one call."""
    breaker, now = Breaker(), 0.0
    for what, passed in events:
        now += passed
        if what in ("probe", "dead"):
            if breaker.wants_probe(now):
                breaker.probed(now, answers=what == "probe")
        elif breaker.admits():
            breaker.enter()
            breaker.succeeded(now) if what == "ok" else breaker.failed(now)
            breaker.leave()
    now += LONGEST_REST_SECONDS
    if breaker.wants_probe(now):
        breaker.probed(now, answers=True)
    assert breaker.admits()
    breaker.enter()
    breaker.succeeded(now)
    breaker.leave()
    assert breaker.admits()
