"""How keys look, what scopes cover."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.keys import rules


def test_githubs_published_checksum_example() -> None:
    assert rules.checksum("zQWBuTSOoRi4A9spHcVY5ncnsDkxkJ") == "0mLq17"


def test_base62_is_digits_upper_lower_and_padded() -> None:
    assert rules.base62(0, 6) == "000000"
    assert rules.base62(61, 2) == "0z"
    assert rules.base62(62, 2) == "10"
    assert rules.base62(10, 1) == "A"


@given(st.binary(min_size=32, max_size=32), st.sampled_from(["secret", "restricted", "publishable", "partner"]))
def test_every_key_has_60_characters_and_is_well_formed(entropy: bytes, kind: rules.Kind) -> None:
    key = rules.format_key(kind, entropy)
    assert len(key) == 60
    assert rules.well_formed(key)


@given(st.binary(min_size=32, max_size=32), st.integers(0, 59), st.characters(codec="utf-8"))
def test_one_wrong_character_is_noticed_without_a_look_up(entropy: bytes, place: int, character: str) -> None:
    key = rules.format_key("secret", entropy)
    changed = key[:place] + character + key[place + 1 :]
    assert rules.well_formed(changed) == (changed == key)


@given(st.text(max_size=200))
def test_any_text_is_judged_without_an_error(text: str) -> None:
    rules.well_formed(text)
    rules.digest(text.encode("utf-8", "replace").decode())


@pytest.mark.parametrize(
    ("granted", "wanted", "expected"),
    [
        ("*", "coupon:coupons:write", True),
        ("*", "*", True),
        ("*:*:*", "*", True),
        ("*:*:read", "*", False),
        ("coupon:*:read", "coupon:coupons:read", True),
        ("coupon:*:read", "coupon:*:read", True),
        ("coupon:*:read", "coupon:*:*", False),
        ("coupon:*:read", "coupon:coupons:write", False),
        ("coupon:coupons:read", "coupon:*:read", False),
        ("*:*:read", "gateway:keys:read", True),
        ("segments:events:write", "segments:events:write", True),
        ("coupon:coupons", "coupon:coupons:read", False),
    ],
)
def test_what_a_scope_covers(granted: str, wanted: str, expected: bool) -> None:
    assert (rules.uncovered([granted], [wanted]) == []) is expected


@pytest.mark.parametrize(
    "scope", ["coupon:coupons", "coupon:coupons:delete", "Coupon:x:read", "", "**", "a:b:read:c", "a b:c:read"]
)
def test_scopes_that_are_none(scope: str) -> None:
    assert not rules.SCOPE.fullmatch(scope)
