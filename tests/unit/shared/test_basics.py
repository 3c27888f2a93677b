"""Ids, money and settings: the small things that everything rests on."""

import re
from decimal import Decimal
from fractions import Fraction

import pytest
from babel.core import get_global
from babel.numbers import get_currency_precision
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from shared.ids import new_id
from shared.money import (
    CURRENCIES,
    Currency,
    PastCurrency,
    exponent,
    format_money,
    known_currency,
    percent_of,
    round_half_up,
    to_minor,
)
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


def test_a_currency_has_its_own_digits() -> None:
    digits = {
        "CNY": 2,
        "JPY": 0,
        "KRW": 0,
        "KWD": 3,
        "IQD": 3,
        "CLF": 4,
        "UYW": 4,
        "CLP": 0,
        "RSD": 2,
        "XOF": 0,
        "MRU": 2,
    }
    assert {code: exponent(code) for code in digits} == digits
    assert (format_money(1_234_567, "CLF"), to_minor("123.4567", "CLF")) == ("CLF 123.4567", 1_234_567)
    assert (format_money(1_234_567, "KWD"), to_minor("1234.567", "KWD")) == ("KWD 1,234.567", 1_234_567)


@given(st.sampled_from(sorted(CURRENCIES)), st.integers(-(10**12), 10**12))
def test_what_is_shown_of_an_amount_is_the_amount(currency: str, amount: int) -> None:
    shown = format_money(amount, currency)
    assert to_minor(re.sub(r"[^0-9.-]", "", shown), currency) == amount
    assert len(shown.partition(".")[2]) == exponent(currency)


def test_the_table_agrees_with_cldr_but_for_what_people_leave_out() -> None:
    """CLDR rounds where people do: it never has more digits than ISO 4217, and knows every code of ours but the newest."""
    known = set(get_global("all_currencies"))
    assert set(CURRENCIES) - known <= {"XAD", "XCG", "ZWG"}
    assert [code for code in CURRENCIES if get_currency_precision(code) > exponent(code)] == []
    assert len(CURRENCIES) == 165


@pytest.mark.parametrize(
    "code", ["ABC", "XXX", "XTS", "XAU", "XDR", "cny", "CN", "CNYY", "", "ＣＮＹ", "CNY\n", "DEM", 156]
)
def test_what_is_no_currency_is_refused(code: object) -> None:
    for kind in (Currency, PastCurrency):
        with pytest.raises(ValidationError):
            TypeAdapter(kind).validate_python(code)


@pytest.mark.parametrize(("written", "code"), [("RMB", "CNY"), ("人民币", "CNY"), ("NTD", "TWD")])
def test_what_people_write_for_a_currency_is_told_its_code(written: str, code: str) -> None:
    with pytest.raises(ValueError, match=f"ISO 4217.*{written} is written {code}"):
        known_currency(written)


def test_an_unknown_currency_is_told_no_other() -> None:
    with pytest.raises(ValueError, match=r"such as CNY$"):
        known_currency("ABC")
    with pytest.raises(ValidationError, match="RMB is written CNY"):
        TypeAdapter(Currency).validate_python("RMB")


def test_a_withdrawn_currency_is_one_of_the_past() -> None:
    assert TypeAdapter(PastCurrency).validate_python("HRK") == "HRK"
    with pytest.raises(ValidationError, match="no longer in use"):
        TypeAdapter(Currency).validate_python("HRK")


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
