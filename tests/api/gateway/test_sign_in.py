"""Operators sign in: invited, by password, by second factor, by recovery code; and what ends a session."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from kit.gateway import Suite
from kit.operators import PASSWORD, Browser, code_of, operator
from sqlalchemy import select

from gateway.accounts.models import Account
from gateway.settings import GatewaySettings
from gateway.sign_in.cache import SessionCache
from gateway.sign_in.models import OperatorSession
from shared.clock import ManualClock

LOGIN = "li.lei@example.com"


async def test_who_is_invited_chooses_a_password_and_works_as_their_role_says(suite: Suite) -> None:
    browser = await operator(suite, role="viewer")
    me = (await browser.get("/v1/me")).json()
    assert (me["kind"], me["login"], me["name"], me["role"]) == ("staff", LOGIN, "李雷", "viewer")
    assert (await browser.get("/v1/event-types")).status_code == 200
    refused = await browser.post("/v1/keys", {"name": "x", "kind": "secret"})
    assert (refused.status_code, refused.json()["code"]) == (403, "scope_missing")
    listed = (await suite.client().get("/v1/accounts", params={"login": LOGIN.upper()})).json()["data"]
    assert [(one["status"], one["role"]) for one in listed] == [("active", "viewer")]


async def test_the_part_behind_the_gateway_sees_an_operator(suite: Suite) -> None:
    browser = await operator(suite)
    assert (await browser.get("/v1/things/1")).status_code == 200
    seen = suite.parts["coupon"].seen[-1]
    caller = seen["caller"]
    assert (caller.kind, caller.owner_id, caller.scopes) == ("staff", "own_merchant", ("*",))
    assert caller.actor.startswith("account:acc_")
    assert caller.wall is None
    assert not any(name in ("cookie", "x-csrf-token") for name, _ in seen["headers"])


async def test_a_password_opens_a_session_in_another_browser(suite: Suite) -> None:
    first = await operator(suite)
    second = Browser(suite)
    answer = await second.sign_in("ＬＩ.LEI@example.com ")
    assert (answer.status_code, answer.json()["status"]) == (200, "signed_in")
    assert answer.headers["cache-control"] == "no-store"
    assert first.session != second.session
    sessions = (await second.get("/v1/me/sessions")).json()["data"]
    assert [one["current"] for one in sessions] == [True, False]
    ended = await second.call("DELETE", f"/v1/me/sessions/{sessions[1]['id']}")
    assert (ended.status_code, (await first.get("/v1/me")).status_code) == (204, 401)


async def test_signing_out_ends_the_session_and_may_be_repeated(suite: Suite) -> None:
    browser = await operator(suite)
    token = browser.session
    assert [(await browser.post("/v1/sign-out")).status_code for _ in range(2)] == [204, 204]
    assert browser.session is None
    browser.plant(str(token))
    answer = await browser.get("/v1/me")
    assert (answer.status_code, answer.json()["code"]) == (401, "session_ended")


async def test_a_session_ends_when_unused_and_at_the_latest_after_its_hours(suite: Suite, clock: ManualClock) -> None:
    browser, other = await operator(suite), Browser(suite)
    await other.sign_in(LOGIN)
    for _ in range(14):
        clock.advance(seconds=50 * 60)
        assert (await browser.get("/v1/me")).status_code == 200
    assert (await other.get("/v1/me")).status_code == 401
    clock.advance(seconds=30 * 60)
    assert (await browser.get("/v1/me")).status_code == 401


async def test_every_sign_in_makes_another_token_and_ends_the_one_before(suite: Suite) -> None:
    browser = await operator(suite)
    before = browser.session
    await browser.sign_in(LOGIN)
    assert browser.session not in (None, before)
    stale = Browser(suite)
    stale.plant(str(before))
    assert (await stale.get("/v1/me")).status_code == 401


@pytest.mark.parametrize("change", [{"role": "viewer"}, {"disabled": True}])
async def test_what_an_administrator_takes_away_is_gone_at_once(suite: Suite, change: dict[str, Any]) -> None:
    administrator = await operator(suite, "boss")
    browser = await operator(suite, role="developer")
    account_id = (await browser.get("/v1/me")).json()["id"]
    assert (await administrator.call("PATCH", f"/v1/accounts/{account_id}", change)).status_code == 200
    assert (await browser.get("/v1/me")).status_code == 401
    assert (await browser.sign_in(LOGIN)).status_code == (401 if "disabled" in change else 200)


async def test_another_replica_hears_of_it_within_five_seconds(suite: Suite, clock: ManualClock) -> None:
    browser = await operator(suite)
    kit = suite.gateway.kit
    assert isinstance(kit.settings, GatewaySettings)
    elsewhere, token = SessionCache(kit, kit.settings), str(browser.session)
    assert await elsewhere.authenticate(token) is not None
    await browser.post("/v1/sign-out")
    clock.advance(seconds=5)
    assert await elsewhere.authenticate(token) is None


async def test_a_new_password_ends_every_other_session(suite: Suite) -> None:
    browser, other = await operator(suite), Browser(suite)
    await other.sign_in(LOGIN)
    new = "quite another sentence 另一句"
    wrong = await browser.call("PUT", "/v1/me/password", {"current": new, "password": new})
    assert (wrong.status_code, wrong.json()["code"]) == (422, "password_refused")
    changed = await browser.call("PUT", "/v1/me/password", {"current": PASSWORD, "password": new})
    assert changed.status_code == 200
    assert ((await browser.get("/v1/me")).status_code, (await other.get("/v1/me")).status_code) == (200, 401)
    assert ((await other.sign_in(LOGIN)).status_code, (await other.sign_in(LOGIN, new)).status_code) == (401, 200)


async def test_the_second_factor_is_asked_for_once_it_is_confirmed(suite: Suite, clock: ManualClock) -> None:
    browser = await operator(suite)
    codes = await browser.set_up_factor(clock)
    assert len(set(codes)) == 10
    assert (await browser.get("/v1/me")).json()["recovery_codes_left"] == 10
    other = Browser(suite)
    assert (await other.sign_in(LOGIN)).json()["status"] == "second_factor_needed"
    assert (await other.get("/v1/me")).status_code == 401
    used = await other.post("/v1/sign-in/second-factor", {"code": code_of(browser.factor, clock)})
    assert (used.status_code, used.json()["code"]) == (401, "code_refused")  # it confirmed the factor: no second time
    clock.advance(seconds=30)
    shown = await other.post("/v1/sign-in/second-factor", {"code": code_of(browser.factor, clock)})
    assert (shown.status_code, shown.json()["status"]) == (200, "signed_in")
    assert (await other.get("/v1/me")).status_code == 200


async def test_a_session_that_waits_for_the_second_factor_does_so_for_ten_minutes(
    suite: Suite, clock: ManualClock
) -> None:
    browser = await operator(suite)
    await browser.set_up_factor(clock)
    other = Browser(suite)
    await other.sign_in(LOGIN)
    clock.advance(seconds=601)
    late = await other.post("/v1/sign-in/second-factor", {"code": code_of(browser.factor, clock)})
    assert (late.status_code, late.json()["code"]) == (401, "password_first")


async def test_a_recovery_code_signs_in_once(suite: Suite, clock: ManualClock) -> None:
    browser = await operator(suite)
    code = (await browser.set_up_factor(clock))[0].upper().replace("-", " ")
    others = [Browser(suite, f"203.0.113.{number}") for number in range(5)]
    await others[0].sign_in(LOGIN)
    for other in others[1:]:
        other.http.cookies.update(others[0].http.cookies)
    shown = [other.post("/v1/sign-in/second-factor", {"recovery_code": code}) for other in others]
    answers = [answer.status_code for answer in await asyncio.gather(*shown)]
    assert sorted(answers) == [200, 401, 401, 401, 401]
    assert (await browser.get("/v1/me")).json()["recovery_codes_left"] == 9


async def test_what_proves_once_proves_once_when_fifty_show_it_together(suite: Suite, clock: ManualClock) -> None:
    """Without anything before it that counts guesses: the conditional update alone."""
    browser = await operator(suite)
    code = (await browser.set_up_factor(clock))[0]
    clock.advance(seconds=30)
    db, factor = suite.gateway.kit.db, suite.gateway.accounts.factor
    async with db.read() as tx:
        (account,) = await tx.rows(Account, select(Account.table))

    async def show(proof: Callable[..., Awaitable[bool]], shown: str) -> bool:
        async with db.write() as tx:
            return await proof(tx, account, shown)

    for proof, shown in ((factor.recovers, code), (factor.proves, code_of(browser.factor, clock))):
        assert sum(await asyncio.gather(*(show(proof, shown) for _ in range(50)))) == 1


async def test_where_a_second_factor_is_required_nothing_goes_without(suite: Suite, clock: ManualClock) -> None:
    browser = await operator(suite)
    assert (await browser.call("PATCH", "/v1/account-policy", {"require_second_factor": True})).status_code == 200
    clock.advance(seconds=5)
    me = (await browser.get("/v1/me")).json()
    assert (me["second_factor_to_set_up"], me["scopes"]) == (True, ["gateway:me:read", "gateway:me:write"])
    assert (await browser.get("/v1/keys")).status_code == 403
    await browser.set_up_factor(clock)
    assert (await browser.get("/v1/keys")).status_code == 200
    removed = await browser.post("/v1/me/second-factor/remove", {"password": PASSWORD})
    assert (removed.status_code, removed.json()["code"]) == (409, "second_factor_required")


async def test_who_lost_phone_and_codes_is_helped_by_an_administrator(suite: Suite, clock: ManualClock) -> None:
    browser = await operator(suite)
    await browser.set_up_factor(clock)
    account_id = (await browser.get("/v1/me")).json()["id"]
    reset = await suite.client().post(f"/v1/accounts/{account_id}/reset-second-factor")
    assert (reset.status_code, reset.json()["second_factor_since"]) == (200, None)
    assert (await browser.get("/v1/me")).status_code == 401
    assert (await browser.sign_in(LOGIN)).json()["status"] == "signed_in"


async def test_nothing_stored_can_be_used_or_read(suite: Suite, clock: ManualClock) -> None:
    browser = await operator(suite)
    codes = await browser.set_up_factor(clock)
    async with suite.gateway.kit.db.read() as tx:
        (account,) = await tx.rows(Account, select(Account.table))
        sessions = await tx.rows(OperatorSession, select(OperatorSession.table))
    stored = repr([tuple(row) for row in (account, *sessions)])
    assert account.password is not None
    assert account.password.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    for secret in (PASSWORD, str(browser.session), str(browser.session).split(".")[0], str(browser.factor), codes[0]):
        assert secret not in stored
