"""Attack 61: schemathesis on the gateway's own rooms, by a partner and by the merchant. No answer is a 5xx or undocumented."""

import asyncio
from typing import Any

import pytest
from api.gateway.keykit import made_with
from api.gateway.sourcekit import OURS
from kit.fuzzing import fuzz
from kit.gateway import Suite
from kit.serving import serving

ROOMS = (
    "/v1/keys",
    "/v1/webhook-",
    "/v1/hooks",
    "/v1/event-types",
    "/v1/audit-log",
    "/v1/usage",
    "/v1/account",
    "/v1/roles",
    "/v1/me",
    "/v1/sign-",
)


@pytest.mark.parametrize("who", ["merchant", "partner"])
async def test_attack_61_the_gateways_own_rooms_have_no_server_error(run_gateway: Any, who: str) -> None:
    suite: Suite = await run_gateway(failures_per_minute=10**6)
    kind = {"kind": "secret"} if who == "merchant" else {"kind": "partner", "scopes": ["gateway:*:*", "coupon:*:*"]}
    caller = await made_with(suite, None, **kind)
    client = suite.client(caller["key"])
    for number in range(2):
        await made_with(suite, caller, scopes=["gateway:keys:read"])
        source = {"name": f"s{number}", "scheme": "standard", "maps_to": OURS}
        assert (await client.post("/v1/webhook-sources", json=source)).status_code == 201
        endpoint = {"url": "http://127.0.0.1:9/", "events": ["coupon.issued"]}
        assert (await client.post("/v1/webhook-endpoints", json=endpoint)).status_code == 201
    async with serving(suite.gateway.app) as url:
        failures = await asyncio.to_thread(fuzz, url, caller["key"], below=ROOMS, least=60)
    assert not failures, "\n\n".join(failures)
