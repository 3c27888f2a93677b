"""Attack 24: more calls than a key may have, by other routes, by rotating it, by making keys with it."""

from typing import Any

import pytest
from api.gateway.keykit import THING, made_with, rotated
from kit.gateway import Suite
from kit.servers import REDIS_URL, require

from shared.clock import ManualClock

pytestmark = pytest.mark.parametrize("backend", ["sqlite"], indirect=True)  # see test_gateway_proxy.py
FEW: dict[str, Any] = {"limits": {"requests": 6, "window_seconds": 3600}}
MAKES: dict[str, Any] = {"scopes": ["gateway:keys:*", "coupon:things:*", "segments:events:write"]}


@pytest.fixture(params=["memory", "redis"])
async def suite(run_gateway: Any, request: pytest.FixtureRequest) -> Suite:
    shared = request.param == "redis"
    if shared:
        require("redis")
    made: Suite = await run_gateway(redis_url=REDIS_URL if shared else None)
    return made


async def calls(suite: Suite, key: dict[str, Any], number: int = 1, path: str = "/v1/things/1") -> list[int]:
    client = suite.client(key["key"])
    return [(await client.get(path)).status_code for _ in range(number)]


async def test_attack_24_rotation_resets_nothing(suite: Suite) -> None:
    key = await made_with(suite, None, **THING, **FEW)
    assert await calls(suite, key, 3) == [200] * 3
    new = await rotated(suite, key)
    assert (await suite.client(new["key"]).get("/v1/things/1")).headers["ratelimit"].startswith('"key";r=2;')
    assert await calls(suite, key, 1, "/v1/things/special") == [403], "both keys have one bucket, and this counts too"
    newest = await rotated(suite, new)
    assert await calls(suite, newest, 2) == [200, 429]
    assert await calls(suite, new) == await calls(suite, key) == [429]


async def test_attack_24_a_key_that_rotates_itself_resets_nothing(suite: Suite) -> None:
    key = await made_with(suite, None, kind="partner", **MAKES, **FEW)
    codes = []
    for _ in range(8):
        answer = await suite.client(key["key"]).post(f"/v1/keys/{key['id']}/rotate", json={"overlap_seconds": 0})
        codes.append(answer.status_code)
        key = answer.json() if answer.status_code == 201 else key
    assert codes == [201] * 6 + [429] * 2


async def test_attack_24_children_count_against_their_makers(suite: Suite) -> None:
    mother = await made_with(suite, None, kind="partner", **MAKES, **FEW)
    children = [await made_with(suite, mother, **MAKES) for _ in range(2)]
    grandchild = await made_with(suite, children[0], **THING, limits={"requests": 1, "window_seconds": 3600})
    assert await calls(suite, grandchild, 3) == [200, 429, 429]
    assert await calls(suite, children[1], 3) == [200, 200, 429], (
        "what a child's own limit refused is not its maker's call"
    )
    assert await calls(suite, mother) == [429]


async def test_attack_24_children_share_the_usual_limit_too(run_gateway: Any) -> None:
    suite = await run_gateway(requests_per_minute_restricted=4)
    mother = await made_with(suite, None, kind="partner", **MAKES)
    children = [await made_with(suite, mother, **THING) for _ in range(2)]
    assert await calls(suite, children[0], 2) == [200, 200]
    assert await calls(suite, children[1]) == [429]
    stranger = await made_with(suite, None, kind="partner", **MAKES)
    assert await calls(suite, stranger) == [200], "partners do not meet in the merchant's bucket"


async def test_attack_24_strangers_do_not_use_up_what_a_partners_servers_live_on(suite: Suite) -> None:
    mother = await made_with(suite, None, kind="partner", **MAKES, **FEW)
    pages = [await made_with(suite, mother, kind="publishable") for _ in range(2)]
    tracked = []
    for number in range(8):
        client = suite.client(pages[number % 2]["key"])
        tracked.append((await client.post("/v1/track", json={"event": "x"})).status_code)
    assert tracked == [200] * 6 + [429] * 2, "all of its publishable keys together have as much as their maker"
    assert await calls(suite, mother, 5) == [200] * 4 + [429]


async def test_attack_24_an_hour_later_all_may_call_again(run_gateway: Any, clock: ManualClock) -> None:
    suite = await run_gateway()
    key = await made_with(suite, None, **THING, **FEW)
    assert await calls(suite, key, 7) == [200] * 6 + [429]
    new = await rotated(suite, key, 0)
    clock.advance(seconds=600)
    assert await calls(suite, new, 2) == [200, 429]
