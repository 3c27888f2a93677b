"""What somebody must hold to let a partner tell of orders, and that nobody is heard whose owner holds no key any more."""

from datetime import timedelta
from typing import Any

import pytest
from api.gateway.keykit import made_with, status_of
from api.gateway.sourcekit import OURS, PAID, SHOP, made, received, told
from kit.gateway import Suite

from gateway.routes import ROUTES
from gateway.webhooks_in.maps_to import EVENT_NAMES, SCOPES
from shared.clock import ManualClock

SOURCES = "gateway:sources:*"
CHECKOUTS, COMPLETIONS, REFUNDS = (f"coupon:{one}:write" for one in ("checkouts", "completions", "refunds"))
FIELDS = {"fields": {"order_id": "/id", "refund_id": "/refund"}}


def test_each_message_names_scopes_that_there_are() -> None:
    assert set(SCOPES) == set(EVENT_NAMES)
    assert {scope for scopes in SCOPES.values() for scope in scopes} <= {route.scope for route in ROUTES}


@pytest.mark.parametrize(
    ("maps_to", "held", "missing"),
    [
        ({"event": "order.paid"}, [], CHECKOUTS),
        ({"event": "order.paid"}, [CHECKOUTS], None),
        ({"event": "order.paid"}, ["coupon:checkouts:read", REFUNDS, COMPLETIONS], CHECKOUTS),
        ({"event": "order.cancelled", **FIELDS}, [], CHECKOUTS),
        ({"event": "order.completed"}, [CHECKOUTS], COMPLETIONS),
        ({"event": "order.refunded", **FIELDS}, [CHECKOUTS, COMPLETIONS], REFUNDS),
        ({"event": "order.refunded", **FIELDS}, [REFUNDS], CHECKOUTS),
        (SHOP, [CHECKOUTS], REFUNDS),
        (SHOP, [CHECKOUTS, REFUNDS], None),
        (OURS, [CHECKOUTS, REFUNDS], COMPLETIONS),
        (OURS, ["coupon:*:write"], None),
    ],
)
async def test_a_source_needs_what_its_messages_do(
    suite: Suite, maps_to: dict[str, Any], held: list[str], missing: str | None
) -> None:
    client = suite.client(await suite.key(kind="partner", scopes=[SOURCES, *held]))
    answer = await client.post("/v1/webhook-sources", json={"name": "x", "scheme": "standard", "maps_to": maps_to})
    if missing is None:
        assert answer.status_code == 201
        return
    problem = answer.json()
    assert (answer.status_code, problem["code"], problem["scope"]) == (403, "scope_missing", missing)
    assert missing in problem["detail"]


async def test_a_source_is_not_changed_or_taken_over_with_less(suite: Suite, post: Any) -> None:
    partner = await made_with(suite, None, kind="partner", scopes=["gateway:*:*", "coupon:*:write"])
    body = {"name": "shop", "scheme": "standard", "maps_to": OURS}
    source = (await suite.client(partner["key"]).post("/v1/webhook-sources", json=body)).json()
    less = await made_with(suite, partner, scopes=[SOURCES, CHECKOUTS])
    client, path = suite.client(less["key"]), f"/v1/webhook-sources/{source['id']}"
    for answer in (
        await client.post(path + "/rotate-secret"),
        await client.post(path + "/rotate-secret", json={"secret": "whsec_" + "A" * 32}),
        await client.patch(path, json={"name": "mine"}),
        await client.patch(path, json={"paused": False}),
        await client.patch(path, json={"maps_to": {"event": "order.paid"}}),
    ):
        assert (answer.status_code, answer.json()["code"]) == (403, "scope_missing")
    assert (await client.get(path)).json()["maps_to"] == OURS
    assert (await post(source)).status_code == 202, "its secret is what it was"
    own = {"name": "own", "scheme": "standard", "maps_to": {"event": "order.paid"}}
    mine = (await client.post("/v1/webhook-sources", json=own)).json()
    wider = await client.patch(f"/v1/webhook-sources/{mine['id']}", json={"maps_to": OURS})
    assert (wider.status_code, wider.json()["scope"]) == (403, COMPLETIONS)
    assert (await client.delete(path)).status_code == 204, "silencing somebody needs no right to speak"


async def test_a_staff_key_lets_nobody_settle_the_orders_of_other_shops(suite: Suite) -> None:
    scopes = [SOURCES, "coupon:*:write"]
    clerk = suite.client(await suite.key(kind="restricted", scopes=scopes, shop_id="shopA"))
    answer = await clerk.post("/v1/webhook-sources", json={"name": "x", "scheme": "standard", "maps_to": OURS})
    assert (answer.status_code, answer.json()["code"]) == (403, "shop_not_allowed")
    source = await made(suite)
    taken = await clerk.post(f"/v1/webhook-sources/{source['id']}/rotate-secret")
    assert taken.json()["code"] == "shop_not_allowed"


@pytest.mark.parametrize("end", ["revoked", "expired"])
async def test_an_owner_without_a_key_is_not_heard(suite: Suite, post: Any, clock: ManualClock, end: str) -> None:
    until = (clock.now() + timedelta(hours=1)).isoformat() if end == "expired" else None
    partner = await made_with(
        suite,
        None,
        kind="partner",
        scopes=["gateway:*:*", "coupon:*:write"],
        **({"expires_at": until} if until else {}),
    )
    body = {"name": "shop", "scheme": "standard", "maps_to": OURS}
    source = (await suite.client(partner["key"]).post("/v1/webhook-sources", json=body)).json()
    other = await made(suite)
    assert (await post(source, PAID, "m1")).json() == {"status": "accepted"}
    if until:
        clock.advance(timedelta(hours=1))
    else:
        await suite.client().delete(f"/v1/keys/{partner['id']}")
    assert await status_of(suite, partner["key"]) == 401
    silent = await post(source, PAID, "m2")
    unknown = await post({**source, "url": "/v1/hooks/whs_nobody"}, PAID, "m2")
    assert (silent.status_code, silent.json()["detail"]) == (401, unknown.json()["detail"])
    assert (await post(other, PAID, "m3")).status_code == 202, "others are heard"
    assert [row["delivery_id"] for row in await received(suite, source)] == ["m1"]
    fresh = await made_with(suite, None, kind="partner", scopes=["gateway:keys:read"], owner_id=partner["owner_id"])
    assert (await post(source, PAID, "m2")).json() == {"status": "accepted"}, "a fresh key brings the owner back"
    assert len(await told(suite, "order.paid")) == 3
    tellers = [one["owner_id"] for one in suite.running.recorder.named("order.paid")]
    assert tellers == [partner["owner_id"], "own_merchant", partner["owner_id"]]
    assert fresh["owner_id"] == partner["owner_id"]


async def test_secrets_of_sources_are_shown_once(suite: Suite) -> None:
    source = await made(suite, scheme="github", secret="a secret of the partner's")
    path = f"/v1/webhook-sources/{source['id']}"
    await suite.client().patch(path, json={"name": "other", "paused": True})
    new = (await suite.client().post(path + "/rotate-secret")).json()
    for place in (path, "/v1/webhook-sources", path + "/received", "/v1/audit-log"):
        text = (await suite.client().get(place)).text
        assert source["secret"] not in text
        assert new["secret"] not in text
