"""Attack 27: small bodies that become great ones. A stranger's is looked at within bounds, and not at all after its turn."""

import gzip
import time
from collections.abc import AsyncIterator

import pytest
from kit.gateway import Suite

from gateway.keys.management import new_key

pytestmark = pytest.mark.parametrize("backend", ["sqlite"], indirect=True)

HOME = "198.51.100.7"
GZIP = {"content-encoding": "gzip"}
BOMB = gzip.compress(b"0" * (4 << 20))
MEMBERS = gzip.compress(b"", 1, mtime=0) * 50_000
MEBIBYTE = 1 << 20


async def seconds(suite: Suite, body: bytes, expected: int, key: str | None = None, times: int = 10) -> float:
    """The processor's time for one call with this body: the least of some, as the collector's rounds fall on any."""
    client = suite.client(key, HOME)
    taken = []
    for _ in range(times):
        began = time.process_time()
        assert (await client.post("/v1/track", content=body, headers=GZIP)).status_code == expected
        taken.append(time.process_time() - began)
    return min(taken)


async def test_attack_27_a_strangers_bomb_costs_next_to_nothing_also_when_refused(door: Suite) -> None:
    peace = await seconds(door, gzip.compress(b"{}"), 401)
    assert await seconds(door, BOMB, 413) < 5 * peace + 0.01
    assert await seconds(door, MEMBERS, 400) < 5 * peace + 0.01
    door.gateway.limits.rates.charge_anonymous(HOME, 30_000)
    assert await seconds(door, BOMB, 429) < 2 * peace + 0.002


async def test_attack_27_what_a_stranger_lets_us_unpack_counts_against_its_address(door: Suite) -> None:
    """Sixty-four pieces of 8 KB each: so 12,000 a minute are 184 bombs."""
    client = door.client(None, HOME)
    for _ in range(12):
        assert (await client.post("/v1/track", content=BOMB, headers=GZIP)).status_code == 413
    door.gateway.limits.rates.charge_anonymous(HOME, 12_000 - 12 * 65 - 60)
    codes = [(await client.post("/v1/track", content=BOMB, headers=GZIP)).status_code for _ in range(3)]
    assert codes == [413, 429, 429]


async def test_attack_27_a_refused_turn_reads_no_body(door: Suite) -> None:
    door.gateway.limits.rates.charge_anonymous(HOME, 30_000)
    sent = 0

    async def body() -> AsyncIterator[bytes]:
        nonlocal sent
        for _ in range(100):
            sent += 1
            yield b"x" * 1024

    answer = await door.client(None, HOME).post("/v1/track", content=body())
    assert (answer.status_code, sent) == (429, 0)


async def test_attack_27_a_key_in_the_headers_means_that_nothing_is_unpacked_at_the_door(
    door: Suite, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("a body was looked into")

    monkeypatch.setattr("gateway.proxy.credentials.from_body", refuse)
    item = gzip.compress(b'{"event":"Product Viewed","userId":"c1"}')
    key = await door.key(kind="publishable")
    assert (await door.client(key).post("/v1/track", content=item, headers=GZIP)).status_code == 200
    assert (await door.client(new_key("secret")).post("/v1/track", content=item, headers=GZIP)).status_code == 401


async def test_attack_27_with_a_key_that_every_visitor_holds_bombs_cost_no_more(door: Suite) -> None:
    key = await door.key(kind="publishable")
    client = door.client(key)
    for body in (BOMB, MEMBERS, gzip.compress(b'{"batch":[' + b"1," * 200_000 + b"1]}")):
        began = time.process_time()
        answer = await client.post("/v1/batch", content=body, headers=GZIP)
        assert answer.status_code == 400, answer.text
        assert time.process_time() - began < 0.2


async def test_attack_27_eleven_megabytes_without_a_length_are_refused_early(door: Suite) -> None:
    sent = 0

    async def chunks() -> AsyncIterator[bytes]:
        nonlocal sent
        for _ in range(11 * 16):
            sent += 1
            yield b"x" * 65536

    key = await door.key(kind="publishable")
    for client in (door.client(key), door.client(None)):
        sent = 0
        answer = await client.post("/v1/track", content=chunks())
        assert (answer.status_code, answer.json()["limit"]) == (413, MEBIBYTE)
        assert sent <= 17


@pytest.mark.parametrize("packed", [False, True])
async def test_attack_27_the_key_is_found_wherever_it_stands_in_the_body(door: Suite, packed: bool) -> None:
    key = (await door.key(kind="publishable")).encode()
    events = b'{"type":"track","event":"A","userId":"c1","properties":{"note":"%b"}}'
    batch = b'"batch":[' + b",".join([events % (b"x" * 9000)] * 50) + b"]"
    for body in (
        b'{"writeKey":"' + key + b'",' + batch + b"}",
        b"{" + batch + b',"sentAt":null , "writeKey" : "' + key + b'"}',
    ):
        assert len(body) > 450_000
        sent = gzip.compress(body) if packed else body
        answer = await door.client(None).post("/v1/batch", content=sent, headers=GZIP if packed else {})
        assert answer.status_code == 200, answer.text
