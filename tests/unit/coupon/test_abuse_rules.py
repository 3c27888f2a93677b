"""What looks wrong, how wrong, and how often is too often: for any facts and any moments."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from services.coupon.abuse.rules import admitted
from services.coupon.review.rules import Signals, Weights, findings, merged, score, told
from services.coupon.settings import CouponSettings, Ramp

SIGNALS = st.builds(
    Signals,
    customers_on_device=st.integers(0, 50),
    customers_on_address=st.integers(0, 500),
    coupons_last_minute=st.integers(0, 50),
    known_for=st.none() | st.timedeltas(timedelta(), timedelta(days=30)),
    failures=st.integers(0, 50),
    device_coupons=st.integers(0, 100),
    template_coupons=st.integers(0, 1000),
)
DEFAULTS = Weights.of(CouponSettings())
RAMPS = st.builds(
    lambda start, first, each, more: Ramp(start, first, each, min(first + more, 100)),
    st.integers(1, 30),
    st.integers(0, 100),
    st.integers(0, 30),
    st.integers(0, 100),
)
WEIGHTS = st.builds(
    Weights,
    device_customers=RAMPS,
    address_customers=RAMPS,
    minute_coupons=RAMPS,
    wrong_codes=RAMPS,
    device_share=RAMPS,
    device_share_coupons=st.integers(1, 10),
    new_for=st.timedeltas(timedelta(), timedelta(days=1)),
    new_points=st.integers(0, 100),
)
MORE = ("customers_on_device", "customers_on_address", "coupons_last_minute", "failures", "device_coupons")


@given(signals=SIGNALS, weights=WEIGHTS, name=st.sampled_from(MORE), step=st.integers(1, 20))
def test_more_evidence_never_looks_better(signals: Signals, weights: Weights, name: str, step: int) -> None:
    """However an operator sets the weights."""
    worse = replace(signals, **{name: getattr(signals, name) + step})
    assert score(findings(worse, weights)) >= score(findings(signals, weights))


@pytest.mark.parametrize(
    ("signals", "points"),
    [
        ([Signals(customers_on_device=number) for number in (2, 3, 4, 6, 7, 50)], [0, 20, 35, 65, 80, 80]),
        ([Signals(customers_on_address=number) for number in (19, 20, 21, 50, 500)], [0, 10, 11, 40, 40]),
        ([Signals(coupons_last_minute=number) for number in (4, 5, 6, 11, 50)], [0, 10, 15, 40, 40]),
        ([Signals(failures=number) for number in (2, 3, 4, 6, 50)], [0, 15, 20, 30, 30]),
        ([Signals(known_for=timedelta(seconds=number)) for number in (0, 599, 600)], [10, 10, 0]),
        ([Signals(device_coupons=5, template_coupons=number) for number in (101, 100, 50, 5)], [0, 25, 30, 60]),
        ([Signals(device_coupons=number, template_coupons=10) for number in (4, 5)], [0, 60]),
    ],
)
def test_the_defaults_are_those_that_their_record_argues_for(signals: list[Signals], points: list[int]) -> None:
    """docs/adr/0011-abuse-scores.md"""
    assert [score(findings(one, DEFAULTS)) for one in signals] == points


@pytest.mark.parametrize(("text", "most"), [("3,20,15,80", 80), (" 1, 0, 0, 0", 0), ([2, 5, 5, 5], 5)])
def test_a_ramp_is_four_numbers(text: Any, most: int) -> None:
    assert CouponSettings(abuse_wrong_codes=text).abuse_wrong_codes.most == most


@pytest.mark.parametrize("text", ["", "3", "3,20,15", "0,1,1,1", "3,20,15,10", "3,20,15,101", "3,-1,1,1", "a,b,c,d"])
def test_what_is_no_ramp_is_refused_at_the_start(text: Any) -> None:
    with pytest.raises(ValidationError):
        CouponSettings(abuse_wrong_codes=text)


def test_a_ramp_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QUANYU_COUPON_ABUSE_DEVICE_CUSTOMERS", "2,60,0,60")
    assert CouponSettings().abuse_device_customers == Ramp(2, 60, 0, 60)


@given(signals=SIGNALS)
def test_no_points_no_finding(signals: Signals) -> None:
    """A sign whose points are 0 is switched off."""
    off = Ramp(1, 0, 0, 0)
    weights = Weights(off, off, off, off, off, 1, timedelta(days=1), 0)
    assert findings(signals, weights) == ()


@given(signals=SIGNALS, weights=WEIGHTS)
def test_every_score_has_its_reasons_in_both_languages(signals: Signals, weights: Weights) -> None:
    found = findings(signals, weights)
    assert 0 <= score(found) <= 100
    assert (score(found) > 0) == bool(found)
    assert sorted(found, key=lambda one: -one.points) == list(found)
    for reason in told(found):
        assert reason["detail"].isascii()
        assert not reason["detail_zh"].isascii()
        assert "{" not in reason["detail"] + reason["detail_zh"]


@pytest.mark.parametrize(
    ("signals", "case"),
    [
        (Signals(customers_on_device=2, customers_on_address=3, known_for=timedelta()), False),  # a couple on one phone
        (Signals(customers_on_address=19, coupons_last_minute=4), False),  # a busy office
        (Signals(customers_on_address=400), False),  # a campus behind one address is no case by itself
        (Signals(customers_on_device=6), True),  # a phone that changes its customer all day
        (Signals(customers_on_device=4, known_for=timedelta(minutes=1), failures=5), True),
        (Signals(coupons_last_minute=12, failures=10), True),
        (Signals(device_coupons=40, template_coupons=100), True),
        (Signals(device_coupons=4, template_coupons=4), False),  # the first few of a new offer
    ],
)
def test_worked_examples(signals: Signals, case: bool) -> None:
    assert (score(findings(signals, DEFAULTS)) >= 60) is case


@given(signals=SIGNALS, others=SIGNALS)
def test_a_case_that_grows_forgets_no_reason(signals: Signals, others: Signals) -> None:
    old, new = told(findings(signals, DEFAULTS)), told(findings(others, DEFAULTS))
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
