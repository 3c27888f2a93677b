"""Ids, money and settings: the small things that everything rests on."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from shared.ids import new_id
from shared.money import exponent, format_money, percent_of, round_half_up, to_minor
from shared.settings import ServiceSettings


def test_ids_sort_by_their_making_and_never_repeat() -> None:
    ids = [new_id("cpn") for _ in range(5_000)]
    assert ids == sorted(ids)
    assert len(set(ids)) == len(ids)
    assert all(len(one) == 30 and one.startswith("cpn_") for one in ids)


@pytest.mark.parametrize(
    ("value", "currency", "minor"),
    [("19.99", "CNY", 1999), (19.99, "CNY", 1999), (0.005, "CNY", 1), ("-2.5", "JPY", -3), ("1.2345", "KWD", 1235)],
)
def test_decimals_become_minor_units(value: str | float, currency: str, minor: int) -> None:
    assert to_minor(value, currency) == minor


@pytest.mark.parametrize("value", ["", "abc", "NaN", "Infinity", "1e400"])
def test_what_is_no_amount_is_refused(value: str) -> None:
    with pytest.raises(ValueError, match="not an amount"):
        to_minor(value, "CNY")


@given(st.integers(-(10**12), 10**12), st.integers(0, 10_000))
def test_percentages_round_half_up_and_never_exceed_the_amount(amount: int, basis_points: int) -> None:
    share = percent_of(amount, basis_points)
    assert abs(Fraction(amount * basis_points, 10_000) - share) <= Fraction(1, 2)
    assert abs(share) <= abs(amount)
    assert percent_of(-amount, basis_points) == -share


@given(st.decimals(-(10**9), 10**9, allow_nan=False, allow_infinity=False, places=3))
def test_both_kinds_of_number_round_alike(value: Decimal) -> None:
    assert round_half_up(value) == round_half_up(Fraction(value))


def test_money_reads_well() -> None:
    assert format_money(123456, "CNY") == "¥1,234.56"
    assert format_money(-5, "CNY") == "-¥0.05"
    assert format_money(1200, "JPY") == "JP¥1,200"
    assert format_money(1200, "CHF") == "CHF 12.00"
    assert exponent("KWD") == 3


class SampleSettings(ServiceSettings, service="sample"):
    speed: int = 1


def test_a_services_own_variable_wins_over_the_suites(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QUANYU_DATABASE_URL", "postgresql://everybody/db")
    assert SampleSettings().database_url == "postgresql://everybody/db"
    monkeypatch.setenv("QUANYU_SAMPLE_DATABASE_URL", "postgresql://sample/db")
    monkeypatch.setenv("QUANYU_SAMPLE_SPEED", "7")
    assert (SampleSettings().database_url, SampleSettings().speed) == ("postgresql://sample/db", 7)
    assert SampleSettings(speed=9).speed == 9


def test_production_refuses_defaults() -> None:
    with pytest.raises(ValidationError, match="QUANYU_INTERNAL_SECRET is missing"):
        ServiceSettings(environment="production", database_url="postgresql://x/y", broker_url="amqp://x")
    with pytest.raises(ValidationError, match="PostgreSQL"):
        ServiceSettings(environment="production", internal_secret="s" * 32, broker_url="amqp://x")
