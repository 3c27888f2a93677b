"""Pure rules around wallets: validity, sharing out a batch, codes, what a template may cost."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from services.coupon.checkout.rules import settled
from services.coupon.code_format import ALPHABET, new_code, well_formed
from services.coupon.templates.rules import faults, worst_case
from services.coupon.templates.supply import Supply
from services.coupon.templates.terms import Limits, Terms
from services.coupon.templates.validity import FOREVER, Validity, local_day, next_day, open_at, window
from services.coupon.wallet.rules import closed, effective, share_out

NOW = datetime(2026, 11, 11, 2, 0, tzinfo=UTC)  # Wednesday, 10:00 in Shanghai


def validity(**body: Any) -> Validity:
    return Validity.model_validate(body)


@pytest.mark.parametrize(
    ("body", "start", "end"),
    [
        ({}, NOW, FOREVER),
        ({"days_after_claim": 7}, NOW, NOW + timedelta(days=7)),
        ({"from": "2026-11-01T00:00:00Z", "until": "2026-11-12T00:00:00Z"}, NOW, datetime(2026, 11, 12, tzinfo=UTC)),
        ({"days_after_claim": 7, "until": "2026-11-12T00:00:00Z"}, NOW, datetime(2026, 11, 12, tzinfo=UTC)),
        (
            {"days_after_claim": 1, "from": "2026-11-20T00:00:00+08:00"},
            datetime(2026, 11, 19, 16, tzinfo=UTC),
            datetime(2026, 11, 20, 16, tzinfo=UTC),
        ),
    ],
)
def test_the_window_of_a_coupon(body: dict[str, Any], start: datetime, end: datetime) -> None:
    assert window(validity(**body), NOW) == (start, end)


@pytest.mark.parametrize(
    ("body", "is_open"),
    [
        ({"weekdays": [3]}, True),
        ({"weekdays": [1, 2]}, False),
        ({"hours": [{"from": "10:00", "until": "10:01"}]}, True),
        ({"hours": [{"from": "09:00", "until": "10:00"}]}, False),
        ({"hours": [{"from": "22:00", "until": "10:30"}]}, True),
        ({"hours": [{"from": "22:00", "until": "10:00"}]}, False),
        ({"hours": [{"from": "09:00", "until": "24:00"}]}, True),
        ({"hours": [{"from": "02:00", "until": "03:00"}], "time_zone": "UTC"}, True),
        ({"weekdays": [2], "time_zone": "America/Los_Angeles"}, True),
    ],
)
def test_weekdays_and_hours_are_local(body: dict[str, Any], is_open: bool) -> None:
    assert open_at(validity(**body), NOW, "Asia/Shanghai") is is_open


def test_days_begin_at_local_midnight_also_when_the_clock_changes() -> None:
    assert local_day(NOW, "Asia/Shanghai") == "2026-11-11"
    assert local_day(NOW, "America/Los_Angeles") == "2026-11-10"
    assert next_day(NOW, "Asia/Shanghai") == datetime(2026, 11, 11, 16, tzinfo=UTC)
    autumn = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)  # Berlin puts the clock back on this night
    assert next_day(autumn, "Europe/Berlin") == datetime(2026, 10, 25, 23, tzinfo=UTC)


@pytest.mark.parametrize(
    "body",
    [
        {"from": "2026-11-12T00:00:00Z", "until": "2026-11-12T00:00:00Z"},
        {"until": "0001-01-01T00:00:00+14:00"},
        {"hours": [{"from": "10:00", "until": "10:00"}]},
        {"hours": [{"from": "24:00", "until": "10:00"}]},
        {"time_zone": "../etc/passwd"},
        {"weekdays": [0]},
        {"days_after_claim": 0},
    ],
)
def test_bad_validity(body: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        validity(**body)


@pytest.mark.parametrize(
    ("status", "body", "source", "code"),
    [
        ("active", {}, "claim", None),
        ("paused", {}, "direct", "paused"),
        ("active", {"until": "2026-11-11T02:00:00Z"}, "claim", "ended"),
        ("active", {"from": "2026-11-11T02:00:01Z"}, "claim", "not_started"),
        ("active", {"from": "2026-11-11T02:00:01Z"}, "journey", None),
    ],
)
def test_when_a_template_is_closed(status: str, body: dict[str, Any], source: Any, code: str | None) -> None:
    assert closed(status, validity(**body), source, NOW) == code


@pytest.mark.parametrize(
    ("status", "locked_until", "valid_until", "expected"),
    [
        ("issued", None, 1, "issued"),
        ("issued", None, 0, "expired"),
        ("locked", 1, 0, "locked"),
        ("locked", 0, 1, "issued"),
        ("locked", 0, 0, "expired"),
        ("redeemed", None, 0, "redeemed"),
        ("voided", None, 0, "voided"),
    ],
)
def test_the_status_by_the_clock(status: str, locked_until: int | None, valid_until: int, expected: str) -> None:
    until = None if locked_until is None else NOW + timedelta(seconds=locked_until)
    assert effective(status, NOW + timedelta(seconds=valid_until), until, NOW) == expected


LEFT = st.one_of(st.none(), st.integers(0, 30))


@given(
    LEFT, LEFT, LEFT, st.one_of(st.none(), st.integers(1, 3)), st.integers(0, 5), st.lists(st.sampled_from("abcdef"))
)
def test_a_batch_never_passes_a_limit_and_refuses_nobody_without_need(
    total: int | None, day: int | None, budget: int | None, each: int | None, cost: int, customers: list[str]
) -> None:
    held = {"a": 1}
    decided = share_out(Supply(total, day, budget, each, cost), customers, held)
    granted = [(who, number) for who, number in zip(customers, decided, strict=True) if isinstance(number, int)]
    assert len(set(granted)) == len(granted)
    for limit, used in ((total, len(granted)), (day, len(granted)), (budget, cost * len(granted))):
        assert limit is None or used <= limit
    per_customer = Counter(who for who, _ in granted)
    for who, count in per_customer.items():
        assert each is None or count + held.get(who, 0) <= each
    if any(one == "sold_out" for one in decided):
        assert len(granted) == total
    if any(one == "budget_exhausted" for one in decided):
        assert budget is not None
        assert cost * (len(granted) + 1) > budget
    if each is None and total is None and day is None and budget is None:
        assert len(granted) == len(customers)


def test_ninety_nine_of_a_hundred_and_a_batch_of_fifty_grant_one() -> None:
    decided = share_out(Supply(1, None, None, 1, 0), [str(number) for number in range(50)], {})
    assert decided == [1, *["sold_out"] * 49]


def test_codes_are_ours_and_typing_errors_show() -> None:
    codes = {new_code() for _ in range(500)}
    assert len(codes) == 500
    for code in list(codes)[:20]:
        assert well_formed(code)
        for at in range(len(code)):
            for other in ALPHABET:
                if other != code[at]:
                    assert not well_formed(code[:at] + other + code[at + 1 :])
        for at in range(11):
            if code[at] != code[at + 1]:
                assert not well_formed(code[:at] + code[at + 1] + code[at] + code[at + 2 :])
    assert not well_formed("")
    assert not well_formed("0" * 13)


@pytest.mark.parametrize(
    ("benefit", "most"),
    [
        ({"kind": "amount_off", "amount": 500}, 500),
        ({"kind": "amount_off", "amount": 500, "per": "unit"}, None),
        ({"kind": "amount_off", "amount": 500, "per": "unit", "max_units": 3}, 1500),
        ({"kind": "percent_off", "percent_bp": 5000}, None),
        ({"kind": "percent_off", "percent_bp": 5000, "max_amount": 700}, 700),
    ],
)
def test_the_worst_case_of_a_coupon(benefit: dict[str, Any], most: int | None) -> None:
    terms = Terms.model_validate({"benefit": benefit})
    assert worst_case(terms.benefit) == most
    found = [fault.code for fault in faults(terms, Limits(budget=1))]
    assert ("budget_needs_a_bound" in found) is (most is None)


def test_a_redeemed_coupon_settles_its_reserve() -> None:
    assert settled(1000, 400) == -600
    assert settled(1000, 1000) == 0
    assert settled(0, 400) == 0
