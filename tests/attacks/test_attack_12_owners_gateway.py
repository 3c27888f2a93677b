"""Attack 12 on the gateway's own operations: keys, endpoints, deliveries and sources of another partner are not there."""

import json
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from api.gateway.keykit import made_with
from api.gateway.receiverkit import deliver, receiving, register
from kit.gateway import Suite

from gateway.routes import GATEWAY, PUBLIC
from shared.ids import new_id
from shared.webhooks import signed_headers

ALL = {"kind": "partner", "scopes": ["gateway:*:*", "coupon:*:*"]}
SOURCE = {"name": "s", "scheme": "standard", "maps_to": {"event": "order.*"}}
PARAMETERS = {"key_id": "key", "endpoint_id": "whe", "delivery_id": "whd", "source_id": "whs", "entry_id": "aud"} | {
    "received_id": "whr"
}
BODIES: dict[str, Any] = {
    "PATCH /v1/webhook-endpoints/{endpoint_id}": {"description": "mine"},
    "POST /v1/webhook-endpoints/{endpoint_id}/replay": {"since": "2026-11-01T00:00:00Z", "status": "all"},
    "PATCH /v1/webhook-sources/{source_id}": {"paused": True},
    "POST /v1/webhook-sources/{source_id}/test": {"body": {}},
    "POST /v1/webhook-sources/{source_id}/replay": {"since": "2026-11-01T00:00:00Z"},
}
OPERATORS_BODIES: dict[str, Any] = {
    "POST /v1/accounts": {"login": "mine", "name": "x", "role": "viewer"},
    "PATCH /v1/accounts/{account_id}": {"disabled": True},
    "PATCH /v1/account-policy": {"require_second_factor": True},
    "PUT /v1/me/password": {"current": "x", "password": "y"},
    "POST /v1/me/second-factor": {"password": "x"},
    "POST /v1/me/second-factor/confirm": {"code": "1"},
    "POST /v1/me/second-factor/remove": {"password": "x"},
    "POST /v1/me/recovery-codes": {"password": "x"},
}
LISTS = {"/v1/keys": 1, "/v1/webhook-endpoints": 0, "/v1/webhook-sources": 0, "/v1/audit-log": 0}


OPERATORS = ("/v1/accounts", "/v1/me", "/v1/roles", "/v1/account-policy")


def operations() -> list[tuple[str, str, str]]:
    """Every operation on one object: method, template, and the parameter that names the object."""
    found = []
    for route in (one for one in GATEWAY if not one.template.startswith(OPERATORS)):
        names = [part[1:-1] for part in route.template.split("/") if part.startswith("{")]
        if names and route.scope != PUBLIC:
            (name,) = names
            found.append((route.method, route.template, name))
    return found


def plain(answer: httpx.Response, name: str) -> str:
    body = answer.json() if answer.content else None
    if isinstance(body, dict):
        body.pop("request_id", None)
    return json.dumps(body, sort_keys=True).replace(name, "…")


async def test_attack_12_every_operation_on_another_partners_object_answers_like_a_random_id(suite: Suite) -> None:
    async with receiving() as receiver:
        a, b = [await made_with(suite, None, **ALL) for _ in range(2)]
        child = await made_with(suite, a, scopes=["gateway:*:*"])
        endpoint = await register(suite, receiver, key=a["key"])
        own, other = suite.client(a["key"]), suite.client(b["key"])
        delivery = (await own.post(f"/v1/webhook-endpoints/{endpoint['id']}/test")).json()
        await deliver(suite)
        source = (await own.post("/v1/webhook-sources", json=SOURCE)).json()
        body = b'{"type":"order.paid","data":{"order_id":"1"}}'
        headers = signed_headers([source["secret"]], "msg_1", datetime(2026, 11, 11, 2, tzinfo=UTC), body)
        assert (await suite.client(None).post(source["url"], content=body, headers=headers)).status_code == 202
        (told,) = (await own.get(f"/v1/webhook-sources/{source['id']}/received")).json()["data"]
        await suite.running.tick()  # every entry has its place in the chain
        ids = {
            "entry_id": (await own.get("/v1/audit-log")).json()["data"][0]["id"],
            "key_id": child["id"],
            "endpoint_id": endpoint["id"],
            "delivery_id": delivery["id"],
            "source_id": source["id"],
            "received_id": told["id"],
        }

        async def seen_by(client: httpx.AsyncClient) -> list[str]:
            paths = [template.format(**ids) for method, template, _ in operations() if method == "GET"]
            return [(await client.get(path)).text for path in paths]

        before = await seen_by(own)
        assert len(operations()) > 15
        for method, template, name in operations():
            answers = []
            for one in (ids[name], new_id(PARAMETERS[name])):
                path = template.replace("{" + name + "}", one)
                answer = await other.request(method, path, json=BODIES.get(f"{method} {template}"))
                answers.append((answer.status_code, plain(answer, one)))
            assert answers[0] == answers[1], (method, template)
            assert answers[0][0] == 404, (method, template, answers)
        assert await seen_by(own) == before, "nothing that the other tried changed anything"
        assert await seen_by(suite.client(child["key"])) == before, "a key that A made sees what is A's"
        for path, count in LISTS.items():
            listed = (await other.get(path)).json()["data"]
            assert len(listed) == count, (path, listed)
            assert not [one for one in ids.values() if one in json.dumps(listed)]
        assert len(receiver.got) == 1


async def test_attack_12_operators_accounts_are_no_partners_business(suite: Suite) -> None:
    partner = suite.client((await made_with(suite, None, **ALL))["key"])
    invited = await suite.client().post("/v1/accounts", json={"login": "boss", "name": "x", "role": "viewer"})
    ids = {"account_id": invited.json()["id"], "session_id": "ses_x"}
    for route in (one for one in GATEWAY if one.template.startswith(OPERATORS) and one.template != "/v1/me"):
        body = OPERATORS_BODIES.get(f"{route.method} {route.template}")
        answer = await partner.request(route.method, route.template.format(**ids), json=body)
        assert (answer.status_code, answer.json()["code"]) in ((403, "operators_only"), (403, "session_needed")), route
    assert (await partner.get("/v1/me")).json()["kind"] == "partner"


@pytest.mark.parametrize("kind", ["partner", "restricted"])
async def test_attack_12_nobody_names_another_owner_for_what_they_make(suite: Suite, kind: str) -> None:
    a, b = [await made_with(suite, None, **ALL) for _ in range(2)]
    answer = await suite.client(b["key"]).post(
        "/v1/keys", json={"name": "x", "kind": kind, "scopes": ["gateway:*:read"], "owner_id": a["owner_id"]}
    )
    assert (answer.status_code, answer.json()["code"]) == (
        403,
        "kind_not_allowed" if kind == "partner" else "owner_not_allowed",
    )
    for path, body in (
        ("/v1/webhook-sources", SOURCE),
        ("/v1/webhook-endpoints", {"url": "https://x.example", "events": []}),
    ):
        refused = await suite.client(b["key"]).post(path, json={**body, "owner_id": a["owner_id"]})
        assert refused.status_code == 422
        assert "#/owner_id" in [error["pointer"] for error in refused.json()["errors"]]
