"""What looks wrong, how wrong, and how often is too often: for any facts and any moments."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.coupon.abuse.rules import admitted
from services.coupon.review.rules import Facts, findings, merged, score, told

FACTS = st.builds(
    Facts,
    customers_on_device=st.integers(0, 50),
    customers_on_address=st.integers(0, 500),
    coupons_last_minute=st.integers(0, 50),
    known_for=st.none() | st.timedeltas(timedelta(), timedelta(days=30)),
    failures=st.integers(0, 50),
    device_coupons=st.integers(0, 100),
    template_coupons=st.integers(0, 1000),
)
MORE = ("customers_on_device", "customers_on_address", "coupons_last_minute", "failures", "device_coupons")


@given(facts=FACTS, name=st.sampled_from(MORE), step=st.integers(1, 20))
def test_more_evidence_never_looks_better(facts: Facts, name: str, step: int) -> None:
    worse = replace(facts, **{name: getattr(facts, name) + step})
    assert score(findings(worse)) >= score(findings(facts))


@given(facts=FACTS)
def test_every_score_has_its_reasons_in_both_languages(facts: Facts) -> None:
    found = findings(facts)
    assert 0 <= score(found) <= 100
    assert (score(found) > 0) == bool(found)
    assert sorted(found, key=lambda one: -one.points) == list(found)
    for reason in told(found):
        assert reason["detail"].isascii()
        assert not reason["detail_zh"].isascii()
        assert "{" not in reason["detail"] + reason["detail_zh"]


@pytest.mark.parametrize(
    ("facts", "case"),
    [
        (Facts(customers_on_device=2, customers_on_address=3, known_for=timedelta()), False),  # a couple on one phone
        (Facts(customers_on_address=19, coupons_last_minute=4), False),  # a busy office
        (Facts(customers_on_address=400), False),  # a campus behind one address is no case by itself
        (Facts(customers_on_device=6), True),  # a phone that changes its customer all day
        (Facts(customers_on_device=4, known_for=timedelta(minutes=1), failures=5), True),
        (Facts(coupons_last_minute=12, failures=10), True),
        (Facts(device_coupons=40, template_coupons=100), True),
        (Facts(device_coupons=4, template_coupons=4), False),  # the first few of a new offer
    ],
)
def test_worked_examples(facts: Facts, case: bool) -> None:
    assert (score(findings(facts)) >= 60) is case


@given(facts=FACTS, others=FACTS)
def test_a_case_that_grows_forgets_no_reason(facts: Facts, others: Facts) -> None:
    old, new = told(findings(facts)), told(findings(others))
    points = {one["code"]: one["points"] for one in merged(old, new)}
    for one in (*old, *new):
        assert points[one["code"]] >= one["points"]


@given(
    gaps=st.lists(st.integers(0, 400), max_size=60),
    most=st.integers(1, 6),
    window=st.integers(1, 1000),
)
def test_no_window_wherever_it_lies_holds_more_than_the_limit(gaps: list[int], most: int, window: int) -> None:
    now = 0
    log: list[int] = []
    given_at: list[int] = []
    for gap in gaps:
        now += gap
        wait = admitted(log, now, most, window)
        if wait is None:
            given_at.append(now)
            log = [*log, now][-most:]
        else:
            assert wait > 0
            assert admitted(log, now + wait, most, window) is None, "the time that is told is enough"
            assert admitted(log, now + wait - 1, most, window) is not None, "and no longer than needed"
    for end in given_at:
        assert sum(end - window < at <= end for at in given_at) <= most
