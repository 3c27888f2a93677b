"""Attack 19: time tells an unknown key from a revoked one. Both take one way through the gateway."""

import asyncio
import statistics
import time

import pytest
from kit.gateway import Suite

from gateway.keys.management import new_key

ROUNDS = 1_500
AT_ONCE = 50
ALIKE = 0.15
"""Of the shorter median. A look-up in the database, or a slow hash for one of them, would be several times that."""


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
async def test_attack_19_unknown_and_revoked_keys_take_the_same_time(door: Suite) -> None:
    made = (await door.client().post("/v1/keys", json={"name": "x", "kind": "restricted", "scopes": ["*"]})).json()
    assert (await door.client().delete(f"/v1/keys/{made['id']}")).status_code == 204
    authenticate = door.gateway.keys.cache.authenticate
    keys = {"unknown": new_key("restricted"), "revoked": made["key"]}
    seconds: dict[str, list[float]] = {name: [] for name in keys}

    async def measured(name: str) -> None:
        began = time.perf_counter()
        assert await authenticate(keys[name], "198.51.100.9") == name
        seconds[name].append(time.perf_counter() - began)

    for _ in range(ROUNDS // AT_ONCE):  # at once, since looks are shared and paced
        await asyncio.gather(*(measured(name) for _ in range(AT_ONCE) for name in keys))
    first, second = sorted(statistics.median(taken) for taken in seconds.values())
    assert second - first < first * ALIKE + 2e-6, (first, second)
