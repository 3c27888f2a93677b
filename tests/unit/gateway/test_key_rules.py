"""How keys look, what scopes cover."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.keys import rules
from gateway.keys.known import ScopeNames
from gateway.policy import Policy
from gateway.routes import ROUTES
from shared.web import Unprocessable


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


@pytest.mark.parametrize(
    ("granted", "wanted", "beyond"),
    [
        ([], ["0.0.0.0/0", "::/0"], []),
        (["10.0.0.0/8"], ["10.1.0.0/16", "10.2.3.4/32"], []),
        (["10.0.0.0/8"], ["10.0.0.0/7"], ["10.0.0.0/7"]),
        (["10.0.0.0/25", "10.0.0.128/25"], ["10.0.0.0/24"], []),
        (["10.0.0.0/8"], ["::ffff:10.0.0.1/128", "::/0"], ["::ffff:10.0.0.1/128", "::/0"]),
        (["2001:db8::/32"], ["2001:db8:1::/48", "10.0.0.1/32"], ["10.0.0.1/32"]),
    ],
)
def test_networks_that_lie_outside(granted: list[str], wanted: list[str], beyond: list[str]) -> None:
    assert rules.outside(granted, wanted) == beyond


def test_where_a_key_is_counted() -> None:
    def names(*chain: rules.Ancestor) -> list[str]:
        return [bucket.id for bucket in rules.buckets(chain)]

    few = {"requests": 5, "window_seconds": 60}
    admin, secret = rules.Ancestor("admin", "secret", None), rules.Ancestor("secret", "secret", few)
    partner, child = rules.Ancestor("partner", "partner", None), rules.Ancestor("child", "restricted", None)
    limited, page = rules.Ancestor("limited", "restricted", few), rules.Ancestor("page", "publishable", None)
    assert names(admin) == ["admin"]
    assert names(partner, admin) == ["partner"]
    assert names(partner, secret, admin) == ["secret"]
    assert names(child, partner, admin) == ["partner"]
    assert names(limited, child, partner, admin) == ["limited", "partner"]
    assert names(child, limited, partner, admin) == ["limited", "partner"]
    assert names(page, limited, partner, admin) == ["limited:public", "partner:public"]
    assert names(page, admin) == ["page"]
    (own,) = rules.buckets([secret, admin])
    assert (own.policy, own.kind) == (Policy("key", 5, 60), "secret")
    assert rules.buckets([partner, admin])[0].policy is None, "its kind says"


@pytest.mark.parametrize("scope", ["*", "*:*:*", "*:*:read", "coupon:*:read", "*:coupons:*", "coupon:coupons:read"])
def test_a_scope_that_covers_an_operation_is_one(scope: str) -> None:
    ScopeNames(ROUTES).check([scope])


@pytest.mark.parametrize(
    ("scope", "near"),
    [
        ("coupon:coupon:read", "coupon:coupons:read"),
        ("inventory:stok:write", "inventory:stock:write"),
        ("cuopon:coupons:read", "coupon:coupons:read"),
        ("coupon:things:*", None),
        ("*:things:read", None),
        ("shop:*:read", None),
    ],
)
def test_a_scope_that_names_nothing_is_told_the_names_near_it(scope: str, near: str | None) -> None:
    with pytest.raises(Unprocessable) as caught:
        ScopeNames(ROUTES).check(["coupon:coupons:read", scope])
    assert [(one.pointer, one.code) for one in caught.value.errors or ()] == [("#/scopes/1", "unknown_scope")]
    assert near is None or near in caught.value.detail
