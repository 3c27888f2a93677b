"""Webhook endpoints: what can be registered, whose they are, and their end."""

from typing import Any

import pytest
from api.gateway.receiverkit import COUPON, coupon_of, deliver, deliveries, publish, receiving, register
from kit.gateway import Suite


async def test_a_deleted_endpoint_gets_nothing_more(suite: Suite) -> None:
    async with receiving() as receiver:
        endpoint = await register(suite, receiver)
        path = f"/v1/webhook-endpoints/{endpoint['id']}"
        assert (await suite.client().delete(path)).status_code == 204
        await publish(suite, COUPON)
        await deliver(suite)
        assert receiver.got == []
        for call in (suite.client().get(path), suite.client().delete(path), suite.client().patch(path, json={})):
            assert (await call).status_code == 404


async def test_a_partner_neither_sees_nor_replays_anothers(suite: Suite) -> None:
    scopes = ["gateway:webhooks:*", "coupon:coupons:read"]
    first, second = [await suite.key(kind="partner", scopes=scopes) for _ in range(2)]
    async with receiving() as receiver:
        endpoint = await register(suite, receiver, key=first)
        await publish(suite, await coupon_of(suite, first))
        await deliver(suite)
        (delivery,) = await deliveries(suite, endpoint)
        stranger = suite.client(second)
        path = f"/v1/webhook-endpoints/{endpoint['id']}"
        assert (await stranger.get("/v1/webhook-endpoints")).json()["data"] == []
        for call in (
            stranger.get(path),
            stranger.get(path + "/deliveries"),
            stranger.post(path + "/test"),
            stranger.post(path + "/rotate-secret"),
            stranger.delete(path),
            stranger.get(f"/v1/webhook-deliveries/{delivery['id']}"),
            stranger.post(f"/v1/webhook-deliveries/{delivery['id']}/replay"),
        ):
            assert (await call).status_code == 404
        assert (await suite.client(first).get(path)).status_code == 200


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"url": "http://hooks.example/"}, "#/url"),
        ({"url": "https://127.0.0.1/"}, "#/url"),
        ({"url": "https://169.254.169.254/latest"}, "#/url"),
        ({"url": "https://[::ffff:10.0.0.1]/"}, "#/url"),
        ({"url": "https://localhost/"}, "#/url"),
        ({"url": "https://u:p@hooks.example/"}, "#/url"),
        ({"url": ""}, "#/url"),
        ({"events": []}, "#/events"),
        ({"events": ["coupon.exploded"]}, "#/events/0"),
        ({"events": ["coupon"]}, "#/events/0"),
        ({"secret": "whsec_mine"}, "#/secret"),
    ],
)
async def test_what_can_not_be_registered(run_gateway: Any, body: dict[str, Any], pointer: str) -> None:
    suite = await run_gateway(webhooks_allow_private=False)
    wanted = {"url": "https://192.0.2.1:8443/", "events": ["*"], **body}
    answered = await suite.client().post("/v1/webhook-endpoints", json=wanted)
    assert answered.status_code == 422, answered.text
    assert answered.json()["errors"][0]["pointer"] == pointer
