"""The documentation that the suite serves itself."""

import asyncio
import json
import re
from typing import Any

import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped] # publishes none
from kit.gateway import Suite
from kit.upstream import FakePart
from openapi_spec_validator import OpenAPIV31SpecValidator

from gateway.forwarding.embedded import AsgiForwarder
from gateway.routes import PUBLIC, ROUTES
from shared.contracts import public_names
from shared.web import Unavailable

PART = {
    "openapi": "3.1.0",
    "paths": {
        "/v1/things": {
            "post": {
                "operationId": "create",
                "tags": ["things"],
                "requestBody": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Thing"}}}},
                "responses": {
                    "4XX": {
                        "description": "x",
                        "content": {"a/b": {"schema": {"$ref": "#/components/schemas/Problem"}}},
                    }
                },
            }
        },
        "/v1/internal": {"get": {"operationId": "hidden", "responses": {"200": {"description": "x"}}}},
    },
    "components": {
        "schemas": {
            "Thing": {"type": "object", "properties": {"part": {"$ref": "#/components/schemas/Piece"}}},
            "Piece": {"type": "object"},
            "Problem": {"type": "object"},
        }
    },
}


async def test_one_valid_document_for_all_parts(suite: Suite) -> None:
    suite.parts["coupon"].openapi = PART
    answer = await suite.client(None).get("/openapi.json")
    document = answer.json()
    OpenAPIV31SpecValidator(document).validate()
    operation = document["paths"]["/v1/things"]["post"]
    assert (operation["operationId"], operation["tags"]) == ("create", ["Things"])
    assert operation["x-required-scope"] == "coupon:things:write"
    assert document["components"]["schemas"]["CouponThing"]["properties"]["part"] == {
        "$ref": "#/components/schemas/CouponPiece"
    }
    assert [name for name in document["components"]["schemas"] if name.endswith("Problem")] == ["Problem"]
    assert "/v1/internal" not in document["paths"], "what nobody can reach is not documented"
    assert set(document["webhooks"]) == set(public_names())
    ids = [one["operationId"] for item in document["paths"].values() for one in item.values()]
    assert len(ids) == len(set(ids))


async def test_every_operation_of_the_gateway_is_routed_with_its_scope_and_no_other(suite: Suite) -> None:
    mine = {
        (route.method, route.template): route.scope
        for route in ROUTES
        if route.service == "gateway" and (route.webhook_in or route.own_pages or route.scope != PUBLIC)
    }
    documented = {
        (method.upper(), path): operation.get("x-required-scope", PUBLIC)
        for path, item in suite.gateway.admin.openapi()["paths"].items()
        for method, operation in item.items()
    }
    assert documented == mine


class Moody(AsgiForwarder):
    """A part that can be away."""

    well = True

    async def forward(self, *arguments: Any) -> None:
        if not self.well:
            raise Unavailable("upstream_unavailable", "The coupon service does not answer; try again.")
        await super().forward(*arguments)


async def test_the_last_good_copy_is_kept(run_gateway: Any) -> None:
    part = FakePart()
    part.openapi = PART
    moody = Moody(part)
    suite = await run_gateway({"coupon": moody})
    assert "/v1/things" in (await suite.client(None).get("/openapi.json")).json()["paths"]
    moody.well = False
    assert "/v1/things" in (await suite.client(None).get("/openapi.json")).json()["paths"]


async def test_a_part_that_is_away_is_named_until_it_comes(run_gateway: Any) -> None:
    part = FakePart()
    part.openapi = PART
    moody = Moody(part)
    moody.well = False
    suite = await run_gateway({"coupon": moody})
    document = (await suite.client(None).get("/openapi.json")).json()
    assert document["x-missing-parts"] == ["coupon"]
    ready = await suite.client(None).get("/readyz")
    assert (ready.status_code, ready.json()["code"]) == (503, "not_ready")
    assert "coupon" in ready.json()["detail"]
    moody.well = True
    await asyncio.sleep(1.1)  # what is away is asked for every second
    assert "/v1/things" in (await suite.client(None).get("/openapi.json")).json()["paths"]
    assert (await suite.client(None).get("/readyz")).status_code == 200


async def test_the_pages_need_nothing_from_outside(suite: Suite) -> None:
    client = suite.client(None)
    for path in ("/", "/docs"):
        page = await client.get(path)
        assert page.status_code == 200
        assert page.headers["content-security-policy"].startswith("default-src 'self'")
        for link in re.findall(r'(?:href|src)="([^"]+)"', page.text):
            assert link.startswith(("/", "data:,")), "no address outside"
            if link.startswith("/"):
                assert (await client.get(link)).status_code == 200
    script = (await client.get("/docs/static/start.js")).text
    assert "validatorUrl: null" in script
    bundle = await client.get("/docs/static/swagger-ui-bundle.js", headers={"accept-encoding": "gzip"})
    assert (bundle.headers["content-encoding"], "SwaggerUIBundle" in bundle.text) == ("gzip", True)
    for name in ("LICENSE", "..%2fportal.py", "portal.py", "nothing.js"):
        assert (await client.get(f"/docs/static/{name}")).status_code in (400, 404)


async def test_event_types_have_schemas_that_their_examples_meet(suite: Suite) -> None:
    types = (await suite.client().get("/v1/event-types")).json()["data"]
    assert [one["name"] for one in types] == public_names()
    for one in types:
        Draft202012Validator.check_schema(one["schema"])
        Draft202012Validator(one["schema"]).validate(one["example"])
        assert one["description"], one["name"]
        json.dumps(one["example"])


async def test_health_says_what_is_not_ready(suite: Suite) -> None:
    assert (await suite.client(None).get("/healthz")).json() == {"status": "ok"}
    assert (await suite.client(None).get("/readyz")).json()["status"] == "ready"
    suite.gateway.drain()
    answer = await suite.client(None).get("/readyz")
    assert (answer.status_code, answer.json()["checks"]) == (503, ["gateway: is draining"])


@pytest.mark.parametrize("path", ["/v1/keys", "/v1/webhook-endpoints", "/v1/webhook-sources", "/v1/audit-log"])
async def test_lists_have_the_common_shape(suite: Suite, path: str) -> None:
    answer = await suite.client().get(path, params={"limit": 1})
    assert set(answer.json()) == {"data", "has_more", "next_cursor"}
    assert (await suite.client().get(path, params={"limit": 101})).status_code == 422
    assert (await suite.client().get(path, params={"cursor": "x"})).status_code == 400
