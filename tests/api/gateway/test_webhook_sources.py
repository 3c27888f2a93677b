"""Sources of webhooks: their life, whose they are, and a trial of their mapping."""

import json
from typing import Any

from api.gateway.sourcekit import OURS, SHOP, made, received, told
from kit.gateway import Suite

from gateway.webhooks_in.schemes import SCHEMES


async def test_the_life_of_a_source(suite: Suite, post: Any) -> None:
    source = await made(suite, SHOP)
    assert source["url"] == f"/v1/hooks/{source['id']}"
    path = f"/v1/webhook-sources/{source['id']}"
    client = suite.client()
    shown = (await client.get(path)).json()
    assert shown == {name: value for name, value in source.items() if name != "secret"}
    assert shown["maps_to"] == SHOP
    for filters, count in (({}, 1), ({"status": "paused"}, 0), ({"scheme": "standard"}, 1), ({"scheme": "github"}, 0)):
        assert len((await client.get("/v1/webhook-sources", params=filters)).json()["data"]) == count
    assert (await client.patch(path, json={"name": "新名"})).json()["name"] == "新名"
    assert (await client.patch(path, json={"maps_to": None})).status_code == 422
    assert (await client.delete(path)).status_code == 204
    for answer in (
        await client.get(path),
        await client.patch(path, json={}),
        await client.delete(path),
        await client.post(path + "/rotate-secret"),
        await client.post(path + "/test", json={"body": {}}),
        await client.get(path + "/received"),
    ):
        assert answer.status_code == 404
    assert (await post(source)).status_code == 401, "its secret is forgotten"
    log = (await client.get("/v1/audit-log", params={"object_id": source["id"], "kind": "fact"})).json()["data"]
    assert [entry["action"].split(".")[1] for entry in log] == ["delete", "change", "create"]
    assert source["secret"] not in json.dumps(log)


async def test_a_scheme_that_is_not_there_names_those_that_are(suite: Suite) -> None:
    for scheme in ("alipay", "nonsense"):
        body = {"name": "x", "scheme": scheme, "maps_to": OURS}
        answer = await suite.client().post("/v1/webhook-sources", json=body)
        problem = answer.json()
        assert (answer.status_code, problem["code"]) == (422, "unsupported_scheme")
        assert problem["schemes"] == sorted(SCHEMES)
        assert problem["errors"][0]["pointer"] == "#/scheme"


async def test_what_can_not_work_is_refused_by_field(suite: Suite) -> None:
    wrong: list[tuple[dict[str, Any], str]] = [
        ({"secret": "short"}, "#/secret"),
        ({"secret": {"token": "x" * 20}}, "#/secret"),
        ({"scheme": "taobao"}, "#/secret"),
        ({"scheme": "wechat", "secret": "one text for three fields"}, "#/secret"),
        ({"scheme": "wechat", "secret": {"token": "t" * 9, "encoding_aes_key": "short", "app_id": "wx1"}}, "#/secret"),
        ({"maps_to": {}}, "#/maps_to"),
        ({"maps_to": {"event": "order.lost"}}, "#/maps_to/event"),
        ({"maps_to": {"event": "order.paid", "fields": {"order_id": "id"}}}, "#/maps_to/fields/order_id"),
        ({"map_to": {}}, "#/map_to"),
    ]
    for change, pointer in wrong:
        body = {"name": "x", "scheme": "github", "maps_to": OURS, **change}
        answer = await suite.client().post("/v1/webhook-sources", json=body)
        assert answer.status_code == 422, answer.text
        assert answer.json()["errors"][0]["pointer"] == pointer


async def test_a_trial_shows_what_a_body_would_become_and_tells_nobody(suite: Suite) -> None:
    source = await made(suite, SHOP)
    path = f"/v1/webhook-sources/{source['id']}/test"
    body = {"topic": "orders/paid", "order": {"id": 7}}
    shown = (await suite.client().post(path, json={"body": body})).json()
    event = {"type": "order.paid", "data": {"order_id": "7"}}
    assert shown == {"outcome": "accepted", "event": event, "code": None, "detail": None}
    other = {"event": "order.cancelled", "fields": {"order_id": "/order/nr"}}
    shown = (await suite.client().post(path, json={"body": body, "maps_to": other})).json()
    assert (shown["outcome"], shown["code"], "/order/nr" in shown["detail"]) == ("refused", "field_missing", True)
    shown = (await suite.client().post(path, json={"body": {"topic": "x"}})).json()
    assert (shown["outcome"], shown["code"]) == ("ignored", "type_not_mapped")
    half = await suite.client().post(path, content=b'{"body": "\\ud800"}', headers={"content-type": "application/json"})
    assert half.json()["code"] == "malformed_json", "half a character is no text"
    assert await told(suite, "order.paid") == []
    assert await received(suite, source) == []


async def test_owners_do_not_see_each_others_sources_and_scopes_hold(suite: Suite) -> None:
    source = await made(suite)
    partner = suite.client(await suite.key(kind="partner", scopes=["gateway:sources:*", "coupon:*:write"]))
    endpoints_only = suite.client(await suite.key(kind="restricted", scopes=["gateway:webhooks:*"]))
    path = f"/v1/webhook-sources/{source['id']}"
    assert (await partner.get(path)).status_code == 404
    assert (await partner.get("/v1/webhook-sources")).json()["data"] == []
    assert (await partner.get(path + "/received")).status_code == 404
    refused = await endpoints_only.post("/v1/webhook-sources", json={})
    assert (refused.status_code, refused.json()["scope"]) == (403, "gateway:sources:write")
    own = await partner.post("/v1/webhook-sources", json={"name": "p", "scheme": "github", "maps_to": OURS})
    assert own.status_code == 201
    assert len((await suite.client().get("/v1/webhook-sources")).json()["data"]) == 2, "the merchant sees all"
