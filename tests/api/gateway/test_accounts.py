"""Operators' accounts: one-time links, the first administrator and the last, and who may give which role."""

import asyncio
from typing import Any

import httpx
import pytest
from kit.gateway import Suite
from kit.operators import PASSWORD, Browser, operator

from shared.clock import ManualClock
from shared.web import Gone
from suite import announcement

LOGIN = "li.lei@example.com"


async def invited(suite: Suite, login: str = LOGIN, role: str = "viewer") -> dict[str, Any]:
    answer = await suite.client().post("/v1/accounts", json={"login": login, "name": "李雷", "role": role})
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def use(suite: Suite, token: str, **more: str) -> httpx.Response:
    return await Browser(suite).post("/v1/sign-in/link", {"token": token, "password": PASSWORD, **more})


async def test_a_link_is_good_once(suite: Suite) -> None:
    token = (await invited(suite))["link"]["token"]
    answers = await asyncio.gather(*(use(suite, token) for _ in range(4)))
    assert sorted(answer.status_code for answer in answers) == [200, 410, 410, 410]
    assert {answer.json()["code"] for answer in answers if answer.status_code == 410} == {"link_spent"}


async def test_a_link_is_good_once_also_for_twenty_at_once(suite: Suite) -> None:
    """Without the queue of hashing before it: the conditional update alone."""
    token = (await invited(suite))["link"]["token"]
    db, links = suite.gateway.kit.db, suite.gateway.accounts.links

    async def take(number: int) -> str:
        async with db.write() as tx:
            taken = await links.take(tx, token, f"hash {number}", None)
        return str(taken.password)

    outcomes = await asyncio.gather(*(take(number) for number in range(20)), return_exceptions=True)
    assert [isinstance(one, str) for one in outcomes].count(True) == 1
    assert {type(one) for one in outcomes if not isinstance(one, str)} == {Gone}


async def test_a_link_ends_with_its_time_and_with_the_next(suite: Suite, clock: ManualClock) -> None:
    account = await invited(suite)
    newer = (await suite.client().post(f"/v1/accounts/{account['id']}/link")).json()["token"]
    assert (await use(suite, account["link"]["token"])).status_code == 410
    clock.advance(seconds=3 * 86400)
    assert (await use(suite, newer)).status_code == 410
    assert (await use(suite, "qyl_invented")).status_code == 410


async def test_a_disabled_accounts_link_opens_nothing_even_after_it_is_enabled_again(suite: Suite) -> None:
    account = await invited(suite)
    for disabled in (True, False):
        await suite.client().patch(f"/v1/accounts/{account['id']}", json={"disabled": disabled})
    assert (await use(suite, account["link"]["token"])).status_code == 410


async def test_a_link_for_who_forgot_the_password_ends_sessions_and_keeps_the_second_factor(
    suite: Suite, clock: ManualClock
) -> None:
    browser = await operator(suite)
    await browser.set_up_factor(clock)
    account_id = (await browser.get("/v1/me")).json()["id"]
    token = (await suite.client().post(f"/v1/accounts/{account_id}/link")).json()["token"]
    assert (await browser.get("/v1/me")).status_code == 200  # until it is used
    used = await use(suite, token)
    assert (used.status_code, used.json()["status"]) == (200, "second_factor_needed")
    assert (await browser.get("/v1/me")).status_code == 401


@pytest.mark.parametrize("password", ["short", "passwordpassword", "li.lei@example.com"])
async def test_a_weak_password_leaves_the_link_good(suite: Suite, password: str) -> None:
    token = (await invited(suite))["link"]["token"]
    weak = await Browser(suite).post("/v1/sign-in/link", {"token": token, "password": password})
    assert (weak.status_code, weak.json()["errors"][0]["code"]) == (422, "weak_password")
    assert (await use(suite, token)).status_code == 200


async def test_of_all_first_links_one_makes_an_administrator(suite: Suite) -> None:
    accounts = suite.gateway.accounts.accounts
    links = [await accounts.first_link() for _ in range(4)]
    tokens = [link.token for link in links if link]
    incomplete = await use(suite, tokens[0])
    assert (incomplete.status_code, incomplete.json()["errors"][0]["pointer"]) == (422, "#/login")
    chosen = [use(suite, token, login=f"boss{number}", name="老板") for number, token in enumerate(tokens)]
    statuses = [answer.status_code for answer in await asyncio.gather(*chosen)]
    assert sorted(statuses) == [200, 410, 410, 410]
    assert await accounts.first_link() is None
    listed = (await suite.client().get("/v1/accounts")).json()["data"]
    assert [(one["role"], one["status"]) for one in listed] == [("administrator", "active")]


async def test_no_first_link_is_good_once_somebody_was_invited(suite: Suite) -> None:
    link = await suite.gateway.accounts.accounts.first_link()
    assert link is not None
    await invited(suite)
    assert (await use(suite, link.token, login="boss", name="老板")).status_code == 410


@pytest.mark.parametrize("terminal", [True, False])
async def test_the_first_link_is_shown_on_a_terminal_alone(
    suite: Suite, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], terminal: bool
) -> None:
    monkeypatch.setattr("suite.announcement.console._force_terminal", terminal)
    await announcement.first_administrator("http://here", suite.gateway)
    said = capsys.readouterr().out
    assert ("http://here/sign-in#qyl_" in said) is terminal
    await operator(suite)
    await announcement.first_administrator("http://here", suite.gateway)
    assert "qyl_" not in capsys.readouterr().out


async def test_two_administrators_who_demote_each_other_leave_one(suite: Suite) -> None:
    browsers = [await operator(suite, login) for login in ("boss1", "boss2")]
    ids = [(await browser.get("/v1/me")).json()["id"] for browser in browsers]
    calls = [
        browser.call("PATCH", f"/v1/accounts/{other}", {"role": "viewer"})
        for browser, other in zip(browsers, reversed(ids), strict=True)
    ]
    answers = await asyncio.gather(*calls)
    roles = [one["role"] for one in (await suite.client().get("/v1/accounts")).json()["data"]]
    assert roles.count("administrator") >= 1, [answer.text for answer in answers]


@pytest.mark.parametrize("change", [{"role": "viewer"}, {"disabled": True}])
async def test_the_last_administrator_stays(suite: Suite, change: dict[str, Any]) -> None:
    browser = await operator(suite)
    await invited(suite, "not.yet.here", "administrator")
    account_id = (await browser.get("/v1/me")).json()["id"]
    answer = await browser.call("PATCH", f"/v1/accounts/{account_id}", change)
    assert (answer.status_code, answer.json()["code"]) == (409, "last_administrator")


@pytest.mark.parametrize("role", ["viewer", "marketer", "stock_keeper", "developer"])
async def test_accounts_are_administrators_business(suite: Suite, role: str) -> None:
    browser = await operator(suite, role=role)
    assert (await browser.get("/v1/accounts")).status_code == 403
    wanted = {"login": "x1", "name": "x", "role": "viewer"}
    assert (await browser.post("/v1/accounts", wanted)).status_code == 403
    assert (await browser.get("/v1/audit-log")).status_code == 403


async def test_nobody_gives_a_role_with_more_than_they_hold(suite: Suite) -> None:
    key = await suite.key(kind="restricted", scopes=["gateway:accounts:*", "gateway:me:*"])
    wanted = {"login": "x1", "name": "x", "role": "administrator"}
    answer = await suite.client(key).post("/v1/accounts", json=wanted)
    assert (answer.status_code, answer.json()["code"]) == (403, "role_exceeds_own")
    boss = await invited(suite, "boss", "administrator")
    for path in (f"/v1/accounts/{boss['id']}/link", f"/v1/accounts/{boss['id']}/reset-second-factor"):
        assert (await suite.client(key).post(path)).status_code == 403


async def test_a_login_is_taken_in_every_spelling(suite: Suite) -> None:
    await invited(suite, "Li.Lei@Example.com")
    again = await suite.client().post(
        "/v1/accounts", json={"login": "ｌi.lei@example.com", "name": "x", "role": "viewer"}
    )
    assert (again.status_code, again.json()["code"]) == (409, "login_taken")


async def test_keys_that_an_operator_makes_are_the_merchants_and_stay(suite: Suite) -> None:
    browser = await operator(suite, role="developer")
    wanted = {"name": "shop", "kind": "restricted", "scopes": ["coupon:things:*"]}
    made = (await browser.post("/v1/keys", wanted)).json()
    account_id = (await browser.get("/v1/me")).json()["id"]
    assert (made["created_by"], made["maker_id"], made["owner_id"]) == (account_id, None, "own_merchant")
    beyond = await browser.post("/v1/keys", {"name": "all", "kind": "secret"})
    assert (beyond.status_code, beyond.json()["code"]) == (403, "scope_exceeds_own")
    rotated = await browser.post(f"/v1/keys/{made['id']}/rotate", {"overlap_seconds": 0})
    assert rotated.status_code == 201
    await suite.client().patch(f"/v1/accounts/{account_id}", json={"disabled": True})
    assert (await suite.client(rotated.json()["key"]).get("/v1/things/1")).status_code == 200


async def test_the_page_for_signing_in_reaches_nothing_but_this_gateway(suite: Suite) -> None:
    client = suite.client(None)
    for path in ("/sign-in", "/sign-in/static/sign-in.js", "/sign-in/static/sign-in.css"):
        answer = await client.get(path)
        assert answer.status_code == 200
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert "://" not in answer.text
    assert (await client.get("/sign-in/static/x.js")).status_code == 404
