"""Attack 61: what an operation does not read is refused. Every operation of the merged document is called; none is listed here.

A new route is walled by `create_app`; one that opens its query says so in the document (`x-open-query`).
"""

import re
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any

import httpx
import pytest
from attacks.conftest import SERVICES
from attacks.test_attack_61_contract import whole_document
from conftest import RunService
from kit.gateway import ADMIN_KEY, Suite

from gateway.app import Gateway, create_gateway
from gateway.forwarding.embedded import AsgiForwarder
from gateway.settings import GatewaySettings
from services.journey.app import create_service as journey
from services.journey.settings import JourneySettings
from shared.clock import Clock
from shared.messaging import Bus

pytestmark = pytest.mark.parametrize("backend", ["sqlite"], indirect=True)  # what is asked for never reaches a database
PARTS = {**SERVICES, "journey": (journey, JourneySettings)}
UNREAD = (b"not json", b"[]", b'"x"', b'{"no_such": 1}')
LINES = b'{"lines": [{"sku": "s1", "quantity": 4}]}'


@pytest.fixture
async def whole(run_service: RunService) -> AsyncIterator[Suite]:
    """The door in front of all parts, in one process."""
    upstreams = {name: AsgiForwarder((await run_service(*part)).service.app) for name, part in PARTS.items()}

    def create(own: GatewaySettings, bus: Bus, clock: Clock) -> Gateway:
        return create_gateway(own, bus, clock, upstreams)

    suite = Suite(await run_service(create, GatewaySettings, admin_key=ADMIN_KEY), {})
    yield suite
    for client in suite.clients:
        await client.aclose()


def operations(document: Mapping[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield method.upper(), re.sub(r"\{\w+\}", "nothing_here", path), operation


def parameters(operation: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    yield from (one for one in operation["parameters"] if one.get("in") == "query")


def refused(answer: httpx.Response, pointer: str, code: str) -> None:
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (422, "validation_failed"), (answer.request.url, answer.text)
    assert {"pointer": pointer, "code": code}.items() <= problem["errors"][0].items(), (answer.request.url, answer.text)


async def test_no_operation_passes_over_what_it_does_not_read(whole: Suite) -> None:
    client = whole.client()
    document = await whole_document(client)  # seconds of work: once for all
    await every_parameter_is_read(client, document)
    await every_body_is_read(client, document)
    await a_cursor_leads_on_in_its_own_list_only(client, document)


async def every_parameter_is_read(client: httpx.AsyncClient, document: Mapping[str, Any]) -> None:
    opened = []
    for method, path, operation in operations(document):
        answer = await client.request(method, path, params={"no_such_filter": "1"})
        if operation.get("x-open-query"):
            opened.append(path)
            assert answer.status_code == 401, "what stands in the query is no reason to refuse a delivery"
            continue
        refused(answer, "?no_such_filter", "extra_forbidden")
        for one in parameters(operation):
            name, several = one["name"], one["schema"].get("type") == "array"
            twice = await client.request(method, path, params=[(name, "1"), (name, "1")])
            if several:
                assert twice.status_code == 200, twice.text
            else:
                refused(twice, f"?{name}", "repeated")
            refused(await client.request(method, path, params={name: ""}), f"?{name}", "empty")
    assert set(opened) == {"/v1/hooks/nothing_here"}


async def every_body_is_read(client: httpx.AsyncClient, document: Mapping[str, Any]) -> None:
    without = 0
    for method, path, operation in operations(document):
        if method == "GET" or operation.get("x-open-query"):
            continue
        for body in UNREAD if "requestBody" in operation else (*UNREAD, LINES):
            answer = await client.request(method, path, content=body, headers={"content-type": "application/json"})
            assert answer.status_code in (400, 415, 422), (method, path, body, answer.text)
            assert answer.headers["content-type"] == "application/problem+json"
        if "requestBody" not in operation:
            without += 1
            refused(answer, "#/lines", "extra_forbidden")
            for nothing in (b"", b" \n", b"{}", b"null"):
                answer = await client.request(method, path, content=nothing)
                read = answer.status_code in (200, 201, 202, 204, 404, 409)
                # A key has no account of its own, and is told so by who has read the call.
                assert read or "session_needed" in answer.text, (method, path, nothing, answer.text)
    assert without > 10


async def a_cursor_leads_on_in_its_own_list_only(client: httpx.AsyncClient, document: Mapping[str, Any]) -> None:
    for name in ("a", "b"):
        made = await client.post("/v1/segments", json={"name": name, "rule": {"trait": "city", "op": "exists"}})
        assert made.status_code == 201, made.text
    cursor = (await client.get("/v1/segments", params={"limit": 1})).json()["next_cursor"]
    for method, path, operation in operations(document):
        if any(one["name"] == "cursor" for one in parameters(operation)):
            answer = await client.request(method, path, params={"cursor": cursor})
            if path == "/v1/segments":
                assert [one["name"] for one in answer.json()["data"]] == ["a"]
            else:
                assert (answer.status_code, answer.json()["code"]) == (400, "invalid_cursor"), (path, answer.text)


async def test_misspelt_parameters_are_told_their_names(whole: Suite) -> None:
    client = whole.client()
    problem = (await client.get("/v1/coupons?costumer_id=c1&limit=5&limit=6&%ff=")).json()
    assert problem["code"] == "malformed_query"
    problem = (await client.get("/v1/coupons?costumer_id=c1&limit=5&limit=6&status=")).json()
    assert [(one["pointer"], one["code"]) for one in problem["errors"]] == [
        ("?costumer_id", "extra_forbidden"),
        ("?limit", "repeated"),
        ("?status", "empty"),
    ]
    assert "Did you mean customer_id?" in problem["detail"]
    for open_to_all in ("/", "/healthz", "/readyz", "/metrics", "/docs"):
        assert (await client.get(open_to_all, params={"_": "1762826400"})).status_code == 200, open_to_all
