"""Attack 3: a target that is more than a path, and a host that is missing, double, or more than a name and a port."""

import pytest
from kit.gateway import ADMIN_KEY, Suite
from kit.rawhttp import at_the_door

KEY = f"Authorization: Bearer {ADMIN_KEY}\r\n".encode()
TARGETS = [
    b"http://shop.example/v1/coupons",
    b"HTTP://shop.example",
    b"/v1/coupons#/v1/keys",
    b"/#",
    b"/v1/coupons?a=1#b",
]
HOSTS = [
    b"",
    b"Host: a\r\nHost: b\r\n",
    b"Host: a\r\nhost: a\r\n",
    b"Host: a/b?c\r\n",
    b"Host: a@b\r\n",
    b"Host: a b\r\n",
    b"Host: a,b\r\n",
]
GOOD = [
    b"Host: shop.example\r\n",
    b"Host: shop.example:8000\r\n",
    b"Host: [::1]:8000\r\n",
    b"Host:\r\n",
    b"Host: under_score\r\n",
]


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)  # refused before any row decides
async def test_attack_03_one_path_and_one_host(door: Suite) -> None:
    async with at_the_door(door.gateway.app) as front:
        for target in TARGETS:
            answer = await front.ask(b"GET %b HTTP/1.1\r\nHost: shop.example\r\n%b\r\n" % (target, KEY))
            assert answer.problem() == (400, "odd_target"), target
        for hosts in HOSTS:
            answer = await front.ask(b"GET /v1/coupons HTTP/1.1\r\n%b%b\r\n" % (hosts, KEY))
            assert answer.problem() == (400, "ambiguous_host"), hosts
        for host in GOOD:
            assert (await front.ask(b"GET /v1/coupons HTTP/1.1\r\n%b%b\r\n" % (host, KEY))).status == 200, host
        assert (await front.ask(b"GET /v1/coupons HTTP/1.0\r\n%b\r\n" % KEY)).status == 200, "older than Host"
