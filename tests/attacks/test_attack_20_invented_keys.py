"""Attacks 20 and 21: ten thousand invented keys, and a throttle on them that no valid key behind the same address feels."""

import asyncio
from typing import Any

import pytest
from kit.gateway import ADMIN_KEY, Suite
from sqlalchemy import event

from gateway.keys.management import new_key
from gateway.keys.models import ApiKey

pytestmark = pytest.mark.parametrize("backend", ["sqlite"], indirect=True)

OFFICE = "203.0.113.50"
THING = {"kind": "restricted", "scopes": ["coupon:templates:read"]}
PATH = "/v1/coupon-templates"


@pytest.fixture
def looks(door: Suite) -> list[str]:
    """Statements that look for keys, as they are sent to the database."""
    seen: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if "api_keys" in statement and statement.startswith("SELECT"):
            seen.append(statement)

    for engine in {door.gateway.kit.db._writer, door.gateway.kit.db._reader}:
        event.listen(engine.sync_engine, "before_cursor_execute", note)
    return seen


async def test_attack_20_ten_thousand_invented_keys_cost_a_few_looks_and_no_memory(
    door: Suite, looks: list[str]
) -> None:
    cache = door.gateway.keys.cache
    known = len(cache._keys)
    looks.clear()
    loop = asyncio.get_running_loop()
    began = loop.time()
    for _ in range(10):
        refusals = await asyncio.gather(*(cache.authenticate(new_key("secret"), OFFICE) for _ in range(1000)))
        assert set(refusals) == {"unknown"}
    assert len(looks) <= 20 + 22 * (loop.time() - began), "paced, whatever comes"
    assert (len(cache._keys), len(cache._uses)) == (known, 0)


async def test_attack_20_a_key_made_elsewhere_a_moment_ago_works_amid_the_flood(door: Suite) -> None:
    cache = door.gateway.keys.cache
    flood = asyncio.gather(*(cache.authenticate(new_key("secret"), OFFICE) for _ in range(500)))
    key = await door.key(**THING)
    assert (await door.client(key, OFFICE).get(PATH)).status_code == 200
    await flood


async def test_attack_21_refused_keys_are_throttled_and_valid_ones_never(door: Suite) -> None:
    valid = await door.key(**THING)
    stranger = door.client("qy_live_sk_" + "a" * 49, OFFICE)
    codes = [(await stranger.get(PATH)).status_code for _ in range(64)]
    assert codes == [401] * 60 + [429] * 4
    refused = await stranger.get(PATH)
    assert refused.json()["violated-policies"] == ["failures"]
    assert "refused keys" in refused.json()["detail"], "whoever mistyped their key looks at the key"
    assert int(refused.headers["retry-after"]) >= 1
    assert (await door.client(new_key("secret"), OFFICE).get(PATH)).status_code == 429
    assert (await door.client(valid, OFFICE).get(PATH)).status_code == 200, "never used before"
    fresh = await door.key(**THING)
    assert (await door.client(fresh, OFFICE).get(PATH)).status_code == 200, "made after the address was throttled"
    assert (await door.client(ADMIN_KEY, OFFICE).get(PATH)).status_code == 200
    assert (await door.client(None, OFFICE).get("/healthz")).status_code == 200, "that is no refused key"


async def test_attack_21_only_refused_credentials_are_failures(door: Suite) -> None:
    """Unknown paths and methods, HEAD, preflights and forgotten keys are not: an office has thousands of them."""
    stranger = door.client(None, OFFICE)
    asking = {"origin": "https://shop.example", "access-control-request-method": "POST"}
    for number in range(70):
        await stranger.get(f"/wp-login{number}.php")
        await stranger.delete("/v1/track")
        await stranger.head("/v1/nothing")
        await stranger.options("/v1/track", headers=asking)
        await stranger.get(PATH)
    assert (await door.client(new_key("secret"), OFFICE).get(PATH)).status_code == 401, "the first failure"
    page = await stranger.post("/v1/track", json={"writeKey": new_key("publishable")})
    assert page.status_code == 401


async def test_attack_19_revoked_expired_and_unknown_take_the_same_way(door: Suite, looks: list[str]) -> None:
    """Each waits for one look at what changed: whoever measures the time learns nothing."""
    revoked = (await door.client().post("/v1/keys", json={"name": "r", **THING})).json()
    assert (await door.client(revoked["key"]).get(PATH)).status_code == 200
    await door.client().delete(f"/v1/keys/{revoked['id']}")
    ways = []
    for key in (revoked["key"], new_key("secret"), revoked["key"], new_key("secret")):
        looks.clear()
        assert (await door.client(key).get(PATH)).status_code == 401
        ways.append(len(looks))
    assert ways[2:] == [1, 1], "the first time the revoked one is read itself"


async def test_attack_18_another_secret_for_a_fixed_key_ends_the_old_one_everywhere(door: Suite, clock: Any) -> None:
    """As another replica does at its start, when QUANYU_ADMIN_KEY was changed."""
    clock.advance(seconds=1)
    async with door.gateway.kit.db.write() as tx:
        chosen = ApiKey.table.update().where(ApiKey.c.id == "key_admin")
        await tx.execute(chosen.values(digest="0" * 64, changed_at=clock.now()))
    await door.gateway.keys.cache.refresh()
    assert (await door.client(ADMIN_KEY).get(PATH)).status_code == 401
