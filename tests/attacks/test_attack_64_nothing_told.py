"""Attack 64: what refusals tell of the inside: no stack, no version, no library, no file."""

import re

import pytest
from kit.gateway import ADMIN_KEY, Suite
from kit.rawhttp import at_the_door, head

JSON = "Content-Type: application/json"
KEY = f"Authorization: Bearer {ADMIN_KEY}"
INSIDE = re.compile(
    rb"(?i)traceback|\.py\b|uvicorn|starlette|fastapi|pydantic|sqlalchemy|sqlite|asyncpg|python|site-packages|/work|\d+\.\d+\.\d+"
)


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)  # what is said, not what is stored
async def test_attack_64_no_answer_tells_of_the_inside(door: Suite) -> None:
    asked = [
        b"rubbish\r\n\r\n",
        head("GET", "/v1/../keys"),
        head("GET", "/nothing"),
        head("DELETE", "/v1/coupons", KEY),
        head("GET", "/v1/coupons"),
        head("GET", "/v1/coupons/x", KEY),
        head("GET", "/v1/coupons?limit=x", KEY),
        head("POST", "/v1/segments", KEY, JSON, "Content-Length: 2") + b"{]",
        head("POST", "/v1/segments", KEY, JSON, "Content-Length: 4") + b'{"a"',
        head("POST", "/v1/coupon-templates", KEY, JSON, "Content-Length: 9") + b'{"a": {}}',
        head("POST", "/v1/coupon-templates", KEY, "Content-Type: text/xml", "Content-Length: 4") + b"<a/>",
        head("POST", "/v1/track", KEY, "Content-Encoding: gzip", "Content-Length: 4") + b"abcd",
        head("GET", "/v1/journeys", KEY),
        head("GET", "/" + "a" * 9000),
        head("GET", "/", "X-A: " + "a" * 40_000),
    ]
    async with at_the_door(door.gateway.app) as front:
        for number, sent in enumerate(asked):
            answer = await front.ask(sent, source=f"127.0.0.{number + 1}")
            assert answer.status >= 400, sent
            assert answer.headers["content-type"] == "application/problem+json"
            assert "server" not in answer.headers
            told = INSIDE.search(answer.body)
            assert told is None, (sent[:60], told)
