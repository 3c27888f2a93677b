"""Attack 53: hearing by a webhook what one's key may not read, as a partner, a shop, or whoever may turn an endpoint round."""

from typing import Any

import pytest
from api.gateway.receiverkit import (
    COUPON,
    STOCK,
    Receiver,
    coupon_of,
    deliver,
    deliveries,
    publish,
    receiving,
    register,
)
from kit.gateway import ADMIN_KEY, Suite

from gateway.event_scopes import EVENT_SCOPES
from gateway.routes import ROUTES
from gateway.webhooks_out.rules import concerns
from shared.contracts import REGISTRY, Event, JourneyEntered, MessageSent, ReservationHeld, SegmentEntered, public_names
from shared.contracts.base import OwnedEvent
from shared.ids import new_id

HOOKS = "gateway:webhooks:*"


async def subscribing(suite: Suite, receiver: Receiver, key: str, *events: str) -> Any:
    body = {"url": receiver.server.url, "events": list(events)}
    return await suite.client(key).post("/v1/webhook-endpoints", json=body)


def heard(receiver: Receiver) -> list[str]:
    return [body.decode().partition('"type":"')[2].partition('"')[0] for _, body in receiver.got]


def test_every_public_event_names_the_scope_that_reads_it() -> None:
    assert set(EVENT_SCOPES) == set(public_names())
    reading = {route.scope for route in ROUTES if route.method == "GET"}
    assert set(EVENT_SCOPES.values()) <= reading
    for name, scope in EVENT_SCOPES.items():
        assert scope.partition(":")[0] == REGISTRY[name].owner


async def test_event_types_say_which_scope_they_need(suite: Suite) -> None:
    listed = (await suite.client().get("/v1/event-types")).json()["data"]
    assert {one["name"]: one["scope"] for one in listed} == EVENT_SCOPES


@pytest.mark.parametrize("kind", ["restricted", "partner"])
async def test_the_right_to_webhooks_alone_hears_nothing_of_coupons(suite: Suite, kind: str) -> None:
    key = await suite.key(kind=kind, scopes=[HOOKS])
    async with receiving() as receiver:
        for events in (["coupon.issued"], ["coupon.*"], ["stock.low", "coupon.issued"]):
            refused = await subscribing(suite, receiver, key, *events)
            assert (refused.status_code, refused.json()["code"]) == (403, "scope_missing")
            assert "coupon:coupons:read" in refused.json()["detail"]
        await subscribing(suite, receiver, key, "*")
        await publish(suite, COUPON, STOCK)
        await deliver(suite)
        assert receiver.got == []


async def test_a_wildcard_brings_what_the_key_covers(suite: Suite) -> None:
    key = await suite.key(kind="partner", scopes=[HOOKS, "inventory:*:read", "coupon:coupons:write"])
    async with receiving() as receiver:
        made = await subscribing(suite, receiver, key, "*")
        assert made.json()["scopes"] == [HOOKS, "inventory:*:read"]
        await publish(suite, COUPON, STOCK)
        await deliver(suite)
        assert heard(receiver) == ["stock.sold_out"]


async def test_an_event_type_that_comes_later_does_not_slip_in(suite: Suite, monkeypatch: pytest.MonkeyPatch) -> None:
    """A release tells more of a family than the key was ever given."""
    key = await suite.key(kind="partner", scopes=[HOOKS, "coupon:coupons:read"])
    async with receiving() as receiver:
        assert (await subscribing(suite, receiver, key, "coupon.*")).status_code == 201
        monkeypatch.setitem(EVENT_SCOPES, "coupon.redeemed", "coupon:redemptions:read")
        await publish(suite, COUPON)
        await deliver(suite)
        assert receiver.got == []


async def test_a_lesser_key_does_not_turn_the_stream_to_itself(suite: Suite) -> None:
    """Two keys of one owner: the second may change endpoints, and read nothing of coupons."""
    both = {"kind": "restricted"}
    greater = await suite.key(scopes=[HOOKS, "coupon:coupons:read"], **both)
    lesser = await suite.key(scopes=[HOOKS], **both)
    async with receiving() as receiver, receiving() as theirs:
        endpoint = (await subscribing(suite, receiver, greater, "coupon.*")).json()
        path = f"/v1/webhook-endpoints/{endpoint['id']}"
        await publish(suite, COUPON)
        await deliver(suite)
        for change in ({"url": theirs.server.url}, {"events": ["coupon.issued"]}):
            refused = await suite.client(lesser).patch(path, json=change)
            assert (refused.status_code, refused.json()["code"]) == (403, "scope_missing")
        (delivery,) = await deliveries(suite, endpoint)
        read = f"/v1/webhook-deliveries/{delivery['id']}"
        assert (await suite.client(lesser).get(read)).json()["scope"] == "coupon:coupons:read"
        assert (await suite.client(greater).get(read)).status_code == 200
        assert (await suite.client(lesser).patch(path, json={"description": "mine"})).status_code == 200
        assert (await suite.client().get(path)).json()["scopes"] == endpoint["scopes"]


async def test_what_waits_is_not_sent_to_where_a_lesser_key_turned_the_endpoint(suite: Suite) -> None:
    greater = await suite.key(kind="restricted", scopes=[HOOKS, "coupon:coupons:read", "inventory:stock:read"])
    lesser = await suite.key(kind="restricted", scopes=[HOOKS, "inventory:stock:read"])
    async with receiving() as receiver, receiving() as theirs:
        endpoint = (await subscribing(suite, receiver, greater, "*")).json()
        path = f"/v1/webhook-endpoints/{endpoint['id']}"
        await publish(suite, COUPON)
        await deliver(suite)
        turned = await suite.client(lesser).patch(path, json={"url": theirs.server.url})
        assert turned.json()["scopes"] == [HOOKS, "inventory:stock:read"]
        (delivery,) = await deliveries(suite, endpoint)
        again = await suite.client(lesser).post(f"/v1/webhook-deliveries/{delivery['id']}/replay")
        assert again.status_code == 202
        await publish(suite, STOCK, ids=["evt_stock"])
        for _ in range(2):
            await deliver(suite)
        assert theirs.ids == ["evt_stock"]
        (withheld,) = await deliveries(suite, endpoint, event_type="coupon.redeemed")
        assert withheld["status"] == "failed"
        assert "coupon.redeemed" in withheld["last_error"]


async def test_the_merchant_lends_a_partner_no_scopes_by_changing_their_endpoint(suite: Suite) -> None:
    partner = await suite.key(kind="partner", scopes=[HOOKS, "inventory:stock:read"])
    async with receiving() as receiver, receiving() as other:
        endpoint = (await subscribing(suite, receiver, partner, "*")).json()
        path = f"/v1/webhook-endpoints/{endpoint['id']}"
        changed = await suite.client().patch(path, json={"url": other.server.url})
        assert (changed.status_code, changed.json()["scopes"]) == (200, endpoint["scopes"])
        refused = await suite.client().patch(path, json={"events": ["coupon.redeemed"]})
        assert (refused.status_code, refused.json()["scope"]) == (403, "coupon:coupons:read")
        await publish(suite, COUPON, STOCK)
        await deliver(suite)
        assert heard(other) == ["stock.sold_out"]


async def test_a_secret_key_hears_by_a_partners_endpoint_no_more_than_it_may_read(suite: Suite) -> None:
    """The merchant's secret keys may change everybody's endpoints, and may have few scopes."""
    partner = await suite.key(kind="partner", scopes=[HOOKS, "coupon:coupons:read"])
    few = await suite.key(kind="secret", scopes=[HOOKS])
    async with receiving() as receiver, receiving() as theirs:
        endpoint = (await subscribing(suite, receiver, partner, "*")).json()
        path = f"/v1/webhook-endpoints/{endpoint['id']}"
        refused = await suite.client(few).patch(path, json={"url": theirs.server.url})
        assert (refused.status_code, refused.json()["scope"]) == (403, "coupon:coupons:read")
        assert (await suite.client(few).patch(path, json={"enabled": False})).status_code == 200


async def test_a_key_of_one_shop_has_no_endpoints(suite: Suite) -> None:
    async with receiving() as receiver:
        endpoint = await register(suite, receiver)
        staff = await suite.key(kind="restricted", shop_id="s1", scopes=[HOOKS, "coupon:*:read"])
        refused = await subscribing(suite, receiver, staff, "coupon.*")
        assert (refused.status_code, refused.json()["code"]) == (403, "not_for_one_shop")
        path = f"/v1/webhook-endpoints/{endpoint['id']}"
        for call in (suite.client(staff).get(path), suite.client(staff).patch(path, json={"events": ["*"]})):
            assert (await call).status_code == 403
        pages = await suite.key(kind="publishable")
        assert (await subscribing(suite, receiver, pages, "stock.*")).status_code == 403


async def test_partners_hear_of_their_own_objects_and_the_merchant_of_all(suite: Suite) -> None:
    """Whatever it is: both hold every scope and ask for everything."""
    everything = [HOOKS, *sorted(set(EVENT_SCOPES.values()))]
    keys = [await suite.key(kind="partner", scopes=everything) for _ in range(2)]
    async with receiving() as ones, receiving() as others, receiving() as merchants:
        for receiver, key in ((ones, keys[0]), (others, keys[1]), (merchants, ADMIN_KEY)):
            assert (await subscribing(suite, receiver, key, "*")).status_code == 201
        merchants_own = COUPON.model_copy(update={"owner_id": "own_merchant"})
        told = [*[await coupon_of(suite, key) for key in keys], merchants_own, COUPON]
        ids = [new_id("evt") for _ in told]
        await publish(suite, *told, STOCK, ids=[*ids, "evt_stock"])
        for _ in range(4):
            await deliver(suite)
        assert sorted(ones.ids) == sorted([ids[0], "evt_stock"])
        assert sorted(others.ids) == sorted([ids[1], "evt_stock"])
        assert sorted(merchants.ids) == sorted([*ids, "evt_stock"])


@pytest.mark.parametrize("kind", [SegmentEntered, JourneyEntered, MessageSent, ReservationHeld])
def test_of_the_merchants_objects_partners_hear_of_the_catalogue_alone(kind: type[Event]) -> None:
    heard_by = {
        (whose, owner): concerns("whe_1", owner, kind.name, {"owner_id": whose})
        for whose in (None, "own_a")
        for owner in ("own_merchant", "own_a", "own_b")
    }
    catalogue = kind is SegmentEntered
    assert heard_by == {
        (None, "own_merchant"): True,
        (None, "own_a"): catalogue,
        (None, "own_b"): catalogue,
        ("own_a", "own_merchant"): True,
        ("own_a", "own_a"): True,
        ("own_a", "own_b"): False,
    }


def test_every_public_event_of_a_customer_or_an_order_says_whose_object_it_is() -> None:
    """Else partners would hear of each other's: whoever adds an event to the suite decides it here."""
    open_to_all = {"profile.created", "stock.changed", "stock.low", "stock.sold_out", "stock.back_in_stock"}
    unowned = {name for name in public_names() if not issubclass(REGISTRY[name], OwnedEvent)}
    assert unowned == open_to_all | {"webhook_endpoint.disabled"}
