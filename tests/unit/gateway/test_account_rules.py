"""Logins, passwords, recovery codes, tokens of sessions, and the growing wait of guesses."""

from datetime import UTC, datetime, timedelta

import pyotp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.accounts import rules
from gateway.accounts.roles import FOR_ADMINISTRATORS, OWN_SCOPES, ROLES
from gateway.accounts.second_factor import matching_step
from gateway.routes import PUBLIC, ROUTES
from gateway.sign_in.rules import (
    OF_ACCOUNT,
    Patience,
    browser_of,
    browser_token,
    csrf_token,
    is_ours,
    session_token,
    slot_of,
)
from shared.web import Caller
from shared.web.identity import covers

NOW = datetime(2026, 11, 11, 2, 0, tzinfo=UTC)
SCOPES = sorted({route.scope for route in ROUTES} - {PUBLIC})


def held(role: str, scope: str) -> bool:
    return any(covers(one, scope) for one in ROLES[role])  # type: ignore[index]


@pytest.mark.parametrize("scope", SCOPES)
def test_every_operation_is_somebodys_work(scope: str) -> None:
    """A new scope is put into a role, or among what is for administrators alone, by who adds it."""
    roles = [role for role in ROLES if role != "administrator" and held(role, scope)]
    assert bool(roles) != (scope in FOR_ADMINISTRATORS)
    assert held("administrator", scope)


def test_a_viewer_changes_nothing_but_their_own_account() -> None:
    writes = {scope for scope in SCOPES if scope.endswith(":write") and held("viewer", scope)}
    assert writes == {"gateway:me:write"}
    unsafe = [route for route in ROUTES if route.method not in ("GET",) and held("viewer", route.scope)]
    dry = {"/v1/segments/preview", "/v1/journeys/{journey_id}/dry-run", "/v1/message-templates/{template_id}/preview"}
    assert {route.template for route in unsafe if route.scope not in OWN_SCOPES} <= dry


def test_what_is_as_good_as_money_is_not_for_looking_on() -> None:
    for scope in (
        "coupon:codes:read",
        "coupon:claim-tokens:read",
        "coupon:redemption-tokens:read",
        "gateway:keys:read",
    ):
        assert not held("viewer", scope)


@pytest.mark.parametrize("role", ROLES)
def test_every_scope_of_a_role_covers_something(role: str) -> None:
    assert [one for one in ROLES[role] if not any(covers(one, scope) for scope in SCOPES)] == []  # type: ignore[index]


def test_roles_are_told_apart_by_what_they_may_do() -> None:
    assert len({tuple(held(role, scope) for scope in SCOPES) for role in ROLES}) == len(ROLES)
    assert Caller("acc_1", "own_merchant", "staff", ROLES["viewer"]).actor == "account:acc_1"


@given(st.text(max_size=130))
def test_a_login_has_one_spelling(text: str) -> None:
    plain = rules.plain_login(text)
    assert rules.plain_login(plain) == plain or rules.fault_of_login(text) is not None
    if rules.fault_of_login(text) is None:
        assert rules.fault_of_login(plain) is None
        assert " " not in plain


@pytest.mark.parametrize("login", ["李雷", "li.lei@example.com", "ＬＩ．ＬＥＩ＠example.com", "a1"])
def test_good_logins(login: str) -> None:
    assert rules.fault_of_login(login) is None


@pytest.mark.parametrize("login", ["", "a", "a b", "x" * 121, "a\x00b", "a\u202eb", "a\tb"])
def test_bad_logins(login: str) -> None:
    assert rules.fault_of_login(login) is not None


@pytest.mark.parametrize(
    "password",
    [
        "short",
        "elevenchars",
        "x" * 201,
        "aaaaaaaaaaaaaaaa",
        "abababababababab",
        "passwordpassword",
        "Password12345!",
        "123456789012",
        "qwertyuiopasdf",
        "fdsapoiuytrewq",
        "quanyuquanyu2026",
        "li.lei@example.com",
        "lileilileilei1",
        "李雷李雷李雷李雷李雷李雷",
        "woaini1314520!!",
        "administrator1",
        "Ｐａｓｓｗｏｒｄ１２３４５",
    ],
)
def test_passwords_that_are_tried_first_are_refused(password: str) -> None:
    assert rules.fault_of_password(password, "li.lei@example.com", "lilei") is not None


@pytest.mark.parametrize(
    "password",
    ["correct horse battery", "一句很长很长的话没有人会猜到", "x7#Kp2!mQz9@", "twelve signs", "li lei sells shoes"],
)
def test_good_passwords_need_no_composition(password: str) -> None:
    assert rules.fault_of_password(password, "li.lei@example.com", "lilei") is None


@given(
    st.binary(min_size=10, max_size=10),
    st.sampled_from([str.upper, str.lower, str.title]),
    st.sampled_from(["", " ", "-"]),
)
def test_a_recovery_code_is_known_however_it_is_typed(entropy: bytes, case: object, between: str) -> None:
    code = rules.recovery_code(entropy)
    assert len(code) == 19
    assert rules.plain_recovery_code(between.join(case(code).split("-"))) == code  # type: ignore[operator]


@given(st.binary(min_size=32, max_size=32), st.text(max_size=40))
def test_a_sessions_token_is_ours_and_no_changed_one_is(entropy: bytes, other: str) -> None:
    token = session_token(entropy, "secret")
    assert is_ours(token, "secret")
    assert not is_ours(token, "another")
    assert not is_ours(other, "secret")
    for place in range(0, len(token), 7):
        changed = token[:place] + ("A" if token[place] != "A" else "B") + token[place + 1 :]
        assert not is_ours(changed, "secret")
    assert csrf_token(token) not in token


@given(st.binary(min_size=12, max_size=12), st.text(max_size=60))
def test_a_browser_is_known_for_one_account(entropy: bytes, other: str) -> None:
    token = browser_token("acc_1", entropy, "secret")
    assert browser_of(token, "acc_1", "secret")
    assert browser_of(token, "acc_2", "secret") is None
    assert browser_of(token, "acc_1", "another") is None
    assert browser_of(other, "acc_1", "secret") is None
    assert slot_of(other, "secret") == slot_of(other, "secret")


@given(st.integers(0, 200), st.integers(1, 10))
def test_waits_only_grow_and_have_an_end(wrong: int, free: int) -> None:
    patience = Patience(free=free)
    waits = [patience.free_at(count, NOW) - NOW for count in range(wrong + 2)]
    assert waits == sorted(waits)
    assert waits[: min(free, len(waits))] == [timedelta()] * min(free, len(waits))
    assert max(waits) <= patience.most


@given(st.integers(0, 50), st.timedeltas(min_value=timedelta(), max_value=timedelta(days=3)))
def test_guesses_are_forgotten_after_a_day(wrong: int, passed: timedelta) -> None:
    assert OF_ACCOUNT.counted(wrong, NOW, NOW + passed) == (0 if passed >= timedelta(days=1) else wrong)


@given(st.integers(-3, 3), st.integers(10**9, 2 * 10**9))
def test_a_code_is_good_one_step_around_its_own(off: int, seconds: int) -> None:
    secret, step = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", seconds // 30
    found = matching_step(secret, pyotp.TOTP(secret).generate_otp(step + off), datetime.fromtimestamp(seconds, UTC))
    assert found == (step + off if abs(off) <= 1 else None) or found in (step - 1, step, step + 1)
    if abs(off) <= 1:
        assert found is not None


@pytest.mark.parametrize(("seconds", "code"), [(59, "94287082"), (1111111109, "07081804"), (20000000000, "65353130")])
def test_codes_are_those_of_the_standard(seconds: int, code: str) -> None:
    """Appendix B of RFC 6238; an app shows the last six digits."""
    secret = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
    moment = datetime.fromtimestamp(seconds, UTC)
    assert matching_step(secret, code[-6:], moment) == seconds // 30


@pytest.mark.parametrize("code", ["", "12345", "1234567", "abcdef", "１２３４５６", "-12345", " 12345"])
def test_what_is_no_code_matches_nothing(code: str) -> None:
    assert matching_step("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", code, NOW) is None
