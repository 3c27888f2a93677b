"""An operator at a browser: keeps cookies, sends what a page of the console would."""

from typing import Any

import httpx
import pyotp
from kit.gateway import Suite

from shared.clock import ManualClock

PASSWORD = "a rather long sentence 很长"
ORIGIN = "http://gateway"


class Browser:
    """`await browser.post("/v1/sign-in", …)`: from a page of our own, with the token that it was told."""

    def __init__(self, suite: Suite, address: str = "203.0.113.20") -> None:
        self.http: httpx.AsyncClient = suite.client(None, address)
        self.csrf = ""
        self.factor: str | None = None

    async def call(self, method: str, path: str, body: Any = None, **headers: str) -> httpx.Response:
        sent = {"sec-fetch-site": "same-origin", "user-agent": "Firefox"}
        if method != "GET":
            sent |= {"origin": ORIGIN, "x-csrf-token": self.csrf}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        answer = await self.http.request(method, path, json=body, headers=sent)
        if answer.status_code < 300 and answer.content and "csrf_token" in (told := answer.json()):
            self.csrf = told["csrf_token"] or ""
        return answer

    async def get(self, path: str) -> httpx.Response:
        return await self.call("GET", path)

    async def post(self, path: str, body: Any = None) -> httpx.Response:
        return await self.call("POST", path, body)

    async def sign_in(self, login: str, password: str = PASSWORD) -> httpx.Response:
        return await self.post("/v1/sign-in", {"login": login, "password": password})

    @property
    def session(self) -> str | None:
        return self.http.cookies.get("quanyu-session")

    def plant(self, token: str) -> None:
        """Another session's cookie, in place of the own."""
        self.http.cookies.set("quanyu-session", token, domain="gateway.local", path="/")

    async def set_up_factor(self, clock: ManualClock, password: str = PASSWORD) -> list[str]:
        """A second factor, from now on; answers the recovery codes."""
        begun = await self.post("/v1/me/second-factor", {"password": password})
        assert begun.status_code == 201, begun.text
        self.factor = begun.json()["secret"]
        confirmed = await self.post("/v1/me/second-factor/confirm", {"code": code_of(self.factor, clock)})
        assert confirmed.status_code == 200, confirmed.text
        codes: list[str] = confirmed.json()["recovery_codes"]
        return codes


def code_of(secret: str | None, clock: ManualClock, steps: int = 0) -> str:
    assert secret is not None
    return pyotp.TOTP(secret).generate_otp(int(clock.now().timestamp()) // 30 + steps)


async def operator(suite: Suite, login: str = "li.lei@example.com", role: str = "administrator") -> Browser:
    """Invited by the administrator's key, and signed in."""
    wanted = {"login": login, "name": "李雷", "role": role}
    invited = await suite.client().post("/v1/accounts", json=wanted)
    assert invited.status_code == 201, invited.text
    browser = Browser(suite)
    used = await browser.post("/v1/sign-in/link", {"token": invited.json()["link"]["token"], "password": PASSWORD})
    assert (used.status_code, used.json()["status"]) == (200, "signed_in"), used.text
    return browser
