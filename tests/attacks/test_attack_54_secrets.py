"""Attack 54: a webhook secret, of an endpoint or a source, can be read again. It is shown once, when it is made."""

from typing import Any

import pytest
from kit.gateway import Suite

pytestmark = pytest.mark.parametrize("backend", ["sqlite"], indirect=True)  # what is shown, not what is stored

ENDPOINT = {"url": "https://partner.example/hook", "events": ["coupon.redeemed"]}
SOURCE = {"name": "shop", "scheme": "standard", "maps_to": {"event": "order.*"}}


@pytest.mark.parametrize(("path", "body"), [("/v1/webhook-endpoints", ENDPOINT), ("/v1/webhook-sources", SOURCE)])
async def test_attack_54_a_secret_is_shown_once(door: Suite, path: str, body: dict[str, Any]) -> None:
    client, repeated = door.client(), {"idempotency-key": "once"}
    made = (await client.post(path, json=body, headers=repeated)).json()
    own = f"{path}/{made['id']}"
    rotated = (await client.post(f"{own}/rotate-secret", json={"overlap_seconds": 60})).json()
    secrets = {made["secret"], rotated["secret"]}
    assert len(secrets) == 2
    later = [
        await client.post(path, json=body, headers=repeated),
        await client.get(path),
        await client.get(own),
        await client.patch(own, json={}),
        await client.get("/v1/audit-log", params={"object_id": made["id"]}),
        await client.post(f"{own}/test", json={"body": {"type": "order.paid", "data": {"order_id": "1"}}}),
    ]
    assert [answer.request.url for answer in later if any(secret in answer.text for secret in secrets)] == []
