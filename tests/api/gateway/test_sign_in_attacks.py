"""Attacks on operators' sessions: forged calls, planted cookies, guesses, and what an answer or its time may tell."""

import asyncio
import statistics
import time
from typing import Any

import httpx
import pytest
from kit.gateway import Suite
from kit.operators import ORIGIN, PASSWORD, Browser, code_of, operator
from sqlalchemy import func, select

from gateway.sign_in.models import Guesses
from gateway.sign_in.rules import session_token
from shared.clock import ManualClock

LOGIN = "li.lei@example.com"
CHANGE = ("POST", "/v1/me/sessions/end-others")


@pytest.mark.parametrize(
    "foreign",
    [
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": "http://gateway.evil.example"},
        {"origin": "http://gateway:81"},
        {"x_csrf_token": ""},
        {"x_csrf_token": "guessed"},
        {"origin": "https://evil.example", "x_csrf_token": "guessed"},
    ],
)
async def test_a_call_forged_by_another_page_changes_nothing(suite: Suite, foreign: dict[str, str]) -> None:
    browser = await operator(suite)
    answer = await browser.call(*CHANGE, **foreign)
    assert (answer.status_code, answer.json()["code"]) in ((401, "session_ended"), (403, "csrf_token_missing"))
    assert (await browser.call(*CHANGE)).status_code == 200


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
async def test_another_page_does_not_even_read(suite: Suite, site: str) -> None:
    browser = await operator(suite)
    answer = await browser.call("GET", "/v1/me", sec_fetch_site=site)
    assert answer.status_code == 401
    told = {name for name in answer.headers if name.startswith("access-control")}
    assert "access-control-allow-credentials" not in told


@pytest.mark.parametrize(
    "foreign", [{"origin": "https://evil.example"}, {"origin": "", "sec_fetch_site": "cross-site"}]
)
async def test_nobody_is_signed_in_by_another_page(suite: Suite, foreign: dict[str, str]) -> None:
    """Else a stranger signs their victim into an account of theirs, and reads what the victim enters there."""
    await operator(suite)
    body = {"login": LOGIN, "password": PASSWORD}
    headers = {name.replace("_", "-"): value for name, value in foreign.items() if value}
    answer = await suite.client(None).post("/v1/sign-in", json=body, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (403, "foreign_page")
    assert "set-cookie" not in answer.headers


async def test_pages_of_a_named_origin_may_sign_in_and_no_other(run_gateway: Any) -> None:
    suite = await run_gateway(console_origins=("https://console.example",))
    body = {"login": LOGIN, "password": PASSWORD}
    client = suite.client(None)
    for origin, status in (("https://console.example", 401), (ORIGIN, 403)):
        assert (await client.post("/v1/sign-in", json=body, headers={"origin": origin})).status_code == status


async def test_a_form_of_another_page_is_no_sign_in(suite: Suite) -> None:
    """A browser sends `text/plain` across origins without asking first."""
    await operator(suite)
    body = f'{{"login": "{LOGIN}", "password": "{PASSWORD}"}}'.encode()
    answer = await suite.client(None).post("/v1/sign-in", content=body, headers={"content-type": "text/plain"})
    assert answer.status_code == 422


async def test_a_planted_session_does_not_become_the_victims(suite: Suite) -> None:
    """Session fixation: whatever cookie was there, signing in makes another, and the planted one is nobody's."""
    attacker = await operator(suite, "attacker")
    victim = await operator(suite)
    await victim.post("/v1/sign-out")
    planted = str(attacker.session)
    victim.plant(planted)
    await victim.sign_in(LOGIN)
    assert victim.session != planted
    thief = Browser(suite)
    thief.plant(planted)
    assert (await thief.get("/v1/me")).status_code == 401


async def test_invented_sessions_cost_no_look_into_the_database(suite: Suite) -> None:
    stranger = Browser(suite)
    suite.gateway.kit.db.read = _never  # type: ignore[method-assign,assignment]
    for token in ("x", "a" * 43 + "." + "b" * 22, session_token(b"1" * 32, "another secret")):
        stranger.plant(token)
        assert (await stranger.get("/v1/me")).status_code == 401


def _never() -> None:
    raise AssertionError("looked")


@pytest.mark.parametrize("origin", ["https://gateway", "http://gateway"])
async def test_the_cookies_flags(suite: Suite, origin: str) -> None:
    await operator(suite)
    body = {"login": LOGIN, "password": PASSWORD}
    answer = await suite.client(None).post("/v1/sign-in", json=body, headers={"origin": origin})
    cookies = answer.headers.get_list("set-cookie")
    assert len(cookies) == 2
    for cookie in cookies:
        flags = {flag.strip().lower().partition("=")[0]: flag.partition("=")[2] for flag in cookie.split(";")[1:]}
        assert ("secure" in flags, cookie.startswith("__Host-quanyu-")) == ((origin[:5] == "https"),) * 2
        assert "httponly" in flags
        assert "domain" not in flags
        assert (flags["samesite"], flags["path"]) == ("strict", "/")


async def test_a_key_in_the_headers_goes_before_a_cookie(suite: Suite) -> None:
    browser = await operator(suite, role="viewer")
    browser.http.headers["authorization"] = str(suite.client().headers["authorization"])
    assert (await browser.get("/v1/me")).json()["kind"] == "secret"


async def guess(browser: Browser, login: str = LOGIN, password: str | None = None) -> httpx.Response:
    return await browser.sign_in(login, password or "wrong")


async def test_unknown_and_known_logins_hear_the_same(suite: Suite, clock: ManualClock) -> None:
    await operator(suite)
    disabled = await operator(suite, "gone")
    account_id = (await disabled.get("/v1/me")).json()["id"]
    await suite.client().patch(f"/v1/accounts/{account_id}", json={"disabled": True})
    await suite.client().post("/v1/accounts", json={"login": "invited", "name": "x", "role": "viewer"})
    told = []
    for number, (login, password) in enumerate(
        [(LOGIN, "wrong"), ("nobody", "wrong"), ("gone", PASSWORD), ("invited", "wrong")]
    ):
        heard = []
        for _ in range(8):
            answer = await guess(Browser(suite, f"203.0.113.{number}"), login, password)
            body = {name: value for name, value in answer.json().items() if name != "request_id"}
            heard.append((answer.status_code, body, answer.headers.get("retry-after")))
        told.append(heard)
    assert told[0] == told[1] == told[2] == told[3]
    assert [status for status, _, _ in told[0]] == [401] * 5 + [429] * 3


async def test_unknown_and_known_logins_take_the_same_time(suite: Suite) -> None:
    await operator(suite)
    browser = Browser(suite)
    times: dict[str, list[float]] = {LOGIN: [], "nobody": []}
    for number in range(10):
        for login, taken in times.items():
            stranger = Browser(suite, f"2001:db8:{number}:{len(taken)}::1")
            started = time.perf_counter()
            await stranger.sign_in(f"{login}{number}" if login == "nobody" else login, "wrong")
            taken.append(time.perf_counter() - started)
    known, unknown = (min(taken[:5]) for taken in times.values())
    assert 0.5 < known / unknown < 2, (known, unknown)
    assert statistics.median(times["nobody"]) > 0.01  # a hash was made
    assert browser.session is None


async def test_many_guesses_at_once_get_no_more_than_one_after_the_other(suite: Suite) -> None:
    await operator(suite)
    guesses = [guess(Browser(suite, f"203.0.113.{number}")) for number in range(40)]
    statuses = [answer.status_code for answer in await asyncio.gather(*guesses)]
    assert statuses.count(401) == 5
    assert set(statuses) == {401, 429}


async def test_waits_grow_and_end_and_never_lock_anybody_out_for_good(suite: Suite, clock: ManualClock) -> None:
    await operator(suite)
    waits = []
    for number in range(20):
        answer = await guess(Browser(suite, f"203.0.113.{number}"))
        while answer.status_code == 429:
            waits.append(int(answer.headers["retry-after"]))
            clock.advance(seconds=waits[-1])
            answer = await guess(Browser(suite, f"203.0.113.{number}"))
        assert answer.status_code == 401
    assert waits == [min(2**step, 900) for step in range(len(waits))]
    assert len(waits) == 15
    clock.advance(seconds=900)
    assert (await Browser(suite).sign_in(LOGIN)).status_code == 200


async def test_strangers_do_not_keep_an_operator_from_their_own_browser(suite: Suite) -> None:
    browser = await operator(suite)
    await browser.post("/v1/sign-out")
    for number in range(10):
        await guess(Browser(suite, f"203.0.113.{number}"))
    assert (await guess(Browser(suite, "203.0.113.99"), password=PASSWORD)).status_code == 429
    assert (await browser.sign_in(LOGIN)).status_code == 200


async def test_a_known_browser_is_known_for_its_own_account_only(suite: Suite) -> None:
    insider = await operator(suite, "insider")
    await operator(suite)
    statuses = [(await guess(insider)).status_code for _ in range(8)]
    assert statuses == [401] * 5 + [429] * 3


async def test_an_own_account_resets_no_guesses_at_others(suite: Suite, clock: ManualClock) -> None:
    await operator(suite, "insider")
    stranger = Browser(suite, "203.0.113.77")
    statuses = []
    for number in range(30):
        stranger.http.cookies.clear()
        await stranger.sign_in("insider")
        stranger.http.cookies.clear()
        statuses.append((await guess(stranger, f"somebody{number}")).status_code)
    assert statuses == [401] * 20 + [429] * 10


async def test_invented_logins_fill_no_table(suite: Suite, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.sign_in.rules._SLOTS", 4)
    for number in range(12):
        await guess(Browser(suite, f"203.0.113.{number}"), f"nobody{number}")
    async with suite.gateway.kit.db.read() as tx:
        of_logins = select(func.count()).select_from(Guesses.table).where(Guesses.c.subject.like("nobody:%"))
        assert int(await tx.scalar(of_logins)) <= 4


async def test_guesses_at_the_second_factor_wait_as_well(suite: Suite, clock: ManualClock) -> None:
    browser = await operator(suite)
    await browser.set_up_factor(clock)
    clock.advance(seconds=30)
    right = code_of(browser.factor, clock)
    wrong = f"{(int(right) + 500_000) % 1_000_000:06}"
    stranger = Browser(suite, "203.0.113.5")
    await stranger.sign_in(LOGIN)
    heard = [(await stranger.post("/v1/sign-in/second-factor", {"code": wrong})).status_code for _ in range(7)]
    assert heard == [401] * 5 + [429] * 2
    again = Browser(suite, "203.0.113.6")
    await again.sign_in(LOGIN)
    assert (await again.post("/v1/sign-in/second-factor", {"code": right})).status_code == 429


async def test_a_stolen_session_does_not_guess_the_password_behind_an_idempotency_key(suite: Suite) -> None:
    """What a refused call wrote is undone: a count of guesses must not be among it."""
    browser = await operator(suite)
    body = {"current": "wrong", "password": "some other sentence"}
    answer = await browser.call("PUT", "/v1/me/password", body, idempotency_key="k1")
    assert (answer.status_code, answer.json()["code"]) == (400, "no_idempotency_key")
    heard = [(await browser.call("PUT", "/v1/me/password", body)).status_code for _ in range(7)]
    assert heard == [422] * 5 + [429] * 2


async def test_no_secret_of_an_operator_reaches_the_log(suite: Suite, clock: ManualClock, capfd: Any) -> None:
    browser = await operator(suite)
    codes = await browser.set_up_factor(clock)
    await guess(Browser(suite), LOGIN, "canary-password-1")
    await browser.call("PUT", "/v1/me/password", {"current": "canary-password-2", "password": "canary-password-3"})
    await browser.post("/v1/sign-in", {"login": LOGIN, "password": ["canary-password-4"]})
    answer = await browser.post("/v1/sign-in/link", {"token": "canary-link", "password": "canary-password-5", "x": 1})
    assert "canary" not in answer.text
    await asyncio.sleep(0.2)  # the door writes its lines when it rests
    out, err = capfd.readouterr()
    for secret in ("canary", PASSWORD, str(browser.session), browser.csrf, str(browser.factor), codes[0], LOGIN):
        assert secret not in out + err
    assert "route=/v1/sign-in" in err


async def test_a_session_writes_no_identity_of_its_own(suite: Suite) -> None:
    browser = await operator(suite, role="viewer")
    await browser.call("GET", "/v1/things/1", x_quanyu_scopes="*", x_quanyu_key_kind="secret")
    assert not suite.parts["coupon"].seen
