"""What an endpoint can ask for besides URL and events: properties, thin messages, headers, Ed25519, pace, an example."""

import base64
import json
from datetime import timedelta
from typing import Any

import pytest
from api.gateway.receiverkit import COUPON, STOCK, answer, deliver, deliveries, publish, receiving
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from kit.gateway import Suite
from sqlalchemy import select

from gateway.webhooks_out.models import Endpoint
from shared.clock import ManualClock
from shared.webhooks import verify


async def wish(suite: Suite, receiver: Any, **wanted: Any) -> dict[str, Any]:
    body = {"url": receiver.server.url + "/hooks", "events": ["*"], **wanted}
    made = await suite.client().post("/v1/webhook-endpoints", json=body)
    assert made.status_code == 201, made.text
    found: dict[str, Any] = made.json()
    return found


async def test_only_events_whose_properties_fit_are_told_and_thin_ones_have_ids_only(suite: Suite) -> None:
    where = [{"property": "amount", "op": "gte", "value": 5000}, {"property": "shop_id", "op": "not_exists"}]
    async with receiving() as receiver:
        endpoint = await wish(suite, receiver, where=where, payload="thin")
        assert (endpoint["where"], endpoint["payload"]) == (where, "thin")
        cheap = COUPON.model_copy(update={"amount": 4999})
        first, *_ = await publish(suite, COUPON, cheap, STOCK)
        await deliver(suite)
        ((headers, body),) = receiver.got
        assert headers["webhook-id"] == first
        data = json.loads(body)["data"]
        assert set(data) <= {
            "coupon_id",
            "template_id",
            "customer_id",
            "order_id",
            "checkout_id",
            "owner_id",
            "shop_id",
            "redemption_id",
        }
        assert data["coupon_id"] == "cpn_1"
        (delivery,) = await deliveries(suite, endpoint)
        path = f"/v1/webhook-endpoints/{endpoint['id']}"
        changed = await suite.client().patch(path, json={"where": [], "payload": "full"})
        assert (changed.json()["where"], changed.json()["payload"]) == ([], "full")
        shown = (await suite.client().get(f"/v1/webhook-deliveries/{delivery['id']}")).json()
        assert shown["payload"].encode() == body, "as it was sent"
        await publish(suite, cheap, ids=["evt_later"])
        await deliver(suite)
        assert json.loads(receiver.got[-1][1])["data"]["amount"] == 4999


async def test_own_headers_are_sent_kept_sealed_and_lost_when_the_url_changes(suite: Suite) -> None:
    async with receiving() as receiver, receiving() as other:
        endpoint = await wish(suite, receiver, headers={"Authorization": "Bearer canary-7", "x-tenant": "t1"})
        path = f"/v1/webhook-endpoints/{endpoint['id']}"
        assert endpoint["header_names"] == ["authorization", "x-tenant"]
        await publish(suite, COUPON)
        await deliver(suite)
        assert (receiver.got[0][0]["authorization"], receiver.got[0][0]["x-tenant"]) == ("Bearer canary-7", "t1")
        assert "canary" not in (await suite.client().get(path)).text
        assert "canary" not in (await suite.client().get("/v1/audit-log")).text
        async with suite.gateway.kit.db.read() as tx:
            (row,) = await tx.rows(Endpoint, select(Endpoint.table))
        assert row.headers is not None
        assert b"canary" not in bytes(row.headers)
        moved = await suite.client().patch(path, json={"url": other.server.url})
        assert moved.json()["header_names"] == []
        await publish(suite, STOCK, ids=["evt_moved"])
        await deliver(suite)
        assert "authorization" not in other.got[0][0]


def proven(public_key: str, headers: dict[str, str], body: bytes) -> bool:
    """By the specification's words, with a library of others."""
    key = Ed25519PublicKey.from_public_bytes(base64.b64decode(public_key.removeprefix("whpk_")))
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    for one in headers["webhook-signature"].split(" "):
        version, _, value = one.partition(",")
        if version == "v1a":
            try:
                key.verify(base64.b64decode(value), signed)
            except InvalidSignature:
                continue
            return True
    return False


async def test_who_asks_for_it_gets_ed25519_signatures_as_well_and_two_while_rotating(
    suite: Suite, clock: ManualClock
) -> None:
    async with receiving() as receiver:
        endpoint = await wish(suite, receiver, asymmetric=True)
        path = f"/v1/webhook-endpoints/{endpoint['id']}"
        await publish(suite, COUPON)
        await deliver(suite)
        headers, body = receiver.got[0]
        assert verify([endpoint["secret"]], headers, body, clock.now()), (
            "HMAC too: old receivers pass over what they do not know"
        )
        assert proven(endpoint["public_key"], headers, body)
        assert not proven(endpoint["public_key"], headers, body + b" ")
        new = (await suite.client().post(path + "/rotate-secret", json={"overlap_seconds": 60})).json()
        assert new["public_key"] != endpoint["public_key"]
        await publish(suite, STOCK, ids=["evt_both"])
        await deliver(suite)
        headers, body = receiver.got[1]
        assert proven(endpoint["public_key"], headers, body)
        assert proven(new["public_key"], headers, body)
        clock.advance(seconds=61)
        await publish(suite, STOCK, ids=["evt_new"])
        await deliver(suite)
        headers, body = receiver.got[2]
        assert not proven(endpoint["public_key"], headers, body)
        assert proven(new["public_key"], headers, body)
        assert (await suite.client().patch(path, json={"asymmetric": False})).json()["public_key"] is None


async def test_a_pace_is_kept_by_however_many_workers(suite: Suite, clock: ManualClock) -> None:
    async with receiving() as receiver:
        await wish(suite, receiver, rate_per_second=2)
        await publish(suite, *[STOCK] * 4)
        for expected in (1, 1, 2, 2, 3):
            await deliver(suite)
            assert len(receiver.got) == expected
            clock.advance(timedelta(seconds=0.25))
        assert await suite.gateway.webhooks_out.worker.tick() == 0.25


async def test_the_example_of_a_type_is_sent_to_be_looked_at(suite: Suite) -> None:
    replies = answer(200, "x-request-id: r1\r\nset-cookie: s=canary\r\n", "ok")
    async with receiving(lambda number: replies) as receiver:
        endpoint = await wish(suite, receiver, events=["stock.*"])
        path = f"/v1/webhook-endpoints/{endpoint['id']}/test"
        made = await suite.client().post(path, json={"event_type": "coupon.redeemed"})
        assert (made.status_code, made.json()["event_type"]) == (202, "coupon.redeemed")
        await deliver(suite)
        ((headers, body),) = receiver.got
        assert headers["webhook-id"].startswith("test_"), "known by its id for what it is"
        assert json.loads(body)["type"] == "coupon.redeemed"
        (one,) = (await suite.client().get(f"/v1/webhook-deliveries/{made.json()['id']}")).json()["tries"]
        assert one["head"] == {"content-length": "2", "x-request-id": "r1"}
        lesser = await suite.key(kind="restricted", scopes=["gateway:webhooks:*", "inventory:stock:read"])
        refused = await suite.client(lesser).post(path, json={"event_type": "coupon.redeemed"})
        assert refused.status_code in (403, 404)
        assert (await suite.client().post(path, json={"event_type": "coupon.exploded"})).status_code == 422


@pytest.mark.parametrize(
    ("wanted", "pointer"),
    [
        ({"where": [{"property": "ammount", "op": "gt", "value": 1}]}, "#/where/0/property"),
        ({"where": [{"property": "amount", "op": "gt", "value": "1"}]}, "#/where/0"),
        ({"headers": {"Webhook-Id": "x"}}, "#/headers"),
        ({"headers": {"Host": "x"}}, "#/headers"),
        ({"headers": {"content-length": "1"}}, "#/headers"),
        ({"headers": {"x-a": "b\r\nx-c: d"}}, "#/headers"),
        ({"headers": {"x a": "b"}}, "#/headers"),
        ({"max_in_flight": 0}, "#/max_in_flight"),
        ({"rate_per_second": 1.5}, "#/rate_per_second"),
        ({"payload": "thick"}, "#/payload"),
    ],
)
async def test_wishes_that_make_no_sense(suite: Suite, wanted: dict[str, Any], pointer: str) -> None:
    body = {"url": "https://192.0.2.1:8443/", "events": ["coupon.*"], **wanted}
    refused = await suite.client().post("/v1/webhook-endpoints", json=body)
    assert refused.status_code == 422, refused.text
    assert refused.json()["errors"][0]["pointer"] == pointer
