"""Tokens and short codes of store redemption: what is read back is what was written, and nothing else is read at all."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.coupon.redemption.rules import (
    SKEW,
    Claims,
    Malformed,
    base64url,
    budget_change,
    check_digit,
    claims_of,
    new_short_code,
    read_short_code,
    signing_input,
    taken_apart,
    within_life,
)

NOW = datetime(2026, 11, 11, 2, tzinfo=UTC)
MONEY = st.integers(0, 10**13)
CLAIMS = st.builds(
    Claims,
    token_id=st.text(min_size=1, max_size=40),
    coupon_id=st.text(min_size=1, max_size=40),
    issued_at=st.just(NOW),
    expires_at=st.just(NOW + timedelta(seconds=45)),
    currency=st.just("CNY"),
    kind=st.sampled_from(["amount_off", "gift"]),
    face=MONEY | st.none(),
    threshold=MONEY | st.none(),
    offline_most=MONEY,
)


@given(claims=CLAIMS, signature=st.binary(min_size=64, max_size=64))
def test_a_token_reads_back(claims: Claims, signature: bytes) -> None:
    signed = signing_input(claims, "rky_1")
    key_id, again, proof, payload = taken_apart((signed + b"." + base64url(signature)).decode())
    assert (key_id, again, proof, claims_of(payload)) == ("rky_1", signed, signature, claims)


@given(text=st.text(max_size=60) | st.from_regex(r"[A-Za-z0-9_=-]{0,40}(\.[A-Za-z0-9_=-]{0,40}){2}", fullmatch=True))
def test_any_other_text_is_malformed_and_nothing_worse(text: str) -> None:
    with pytest.raises(Malformed):
        taken_apart(text)


@given(bits=st.integers(1, 15))
def test_a_signature_has_one_spelling(bits: int) -> None:
    """The last character of 64 bytes carries four bits that mean nothing: they must be zero."""
    claims = Claims("t", "c", NOW, NOW, "CNY", "gift", None, None, 0)
    token = (signing_input(claims, "k") + b"." + base64url(bytes(64))).decode()
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    with pytest.raises(Malformed):
        taken_apart(token[:-1] + alphabet[bits])


@given(position=st.integers(0, 8), change=st.integers(1, 9))
def test_a_misread_digit_is_found_without_a_look_up(position: int, change: int) -> None:
    code = new_short_code()
    wrong = code[:position] + str((int(code[position]) + change) % 10) + code[position + 1 :]
    assert read_short_code(code) == code
    assert read_short_code(wrong) is None


@pytest.mark.parametrize("typed", ["123 456 782", "123-456-782", " 123456782 ", "１２３４５６７８２"])
def test_a_code_may_be_typed_as_it_is_spoken(typed: str) -> None:
    assert check_digit("12345678") == "2"
    assert read_short_code(typed) == "123456782"


@pytest.mark.parametrize("typed", ["", "1234567", "1234567820", "12345678a", "²23456782", "١٢٣٤٥٦٧٨٢"])
def test_what_is_no_code_is_none(typed: str) -> None:
    assert read_short_code(typed) is None


@given(seconds=st.integers(-200, 200))
def test_a_life_allows_for_clocks_that_differ_a_little(seconds: int) -> None:
    ends = NOW + timedelta(seconds=45)
    moment = NOW + timedelta(seconds=seconds)
    assert within_life(NOW, ends, moment) is (-SKEW.seconds <= seconds <= 45 + SKEW.seconds)


@pytest.mark.parametrize(
    ("budget", "budget_on", "reserved", "status", "change"),
    [
        (None, "issue", 0, "issued", 0),
        (9000, "issue", 1000, "issued", -300),  # the worst case becomes what was taken off
        (9000, "issue", 0, "issued", 0),  # issued before there was a budget
        (9000, "issue", 0, "expired", 700),  # gave its share back when it expired, and takes it again
        (9000, "redemption", 0, "issued", 700),
        (9000, "redemption", 0, "expired", 700),
    ],
)
def test_what_redeeming_changes_of_a_budget(
    budget: int | None, budget_on: str, reserved: int, status: str, change: int
) -> None:
    assert budget_change(budget, budget_on, reserved, status, 700) == change
