"""Attack 61: each operation, called wrongly in every way that a generator of calls thinks of first, answers as the document says.

The long search with schemathesis is `tests/scenarios/test_openapi_fuzz.py`.
"""

import asyncio
import re
from typing import Any

import httpx
import pytest
from kit.gateway import Suite

from gateway.routes import PUBLIC, ROUTES, Route

pytestmark = pytest.mark.parametrize("backend", ["sqlite"], indirect=True)  # what is asked for never reaches a database
SERVED = [route for route in ROUTES if route.service != "journey" and route.template.startswith("/v1/")]
_MADE: list[dict[str, Any]] = []
UNSAFE = [route for route in SERVED if route.method != "GET" and route.scope != PUBLIC]


def path_of(route: Route) -> str:
    return re.sub(r"\{\w+\}", "nothing_here", route.template)


def is_the_documents(answer: httpx.Response, operation: dict[str, Any]) -> None:
    """A problem document of a status that the operation declares, with the headers that the status has."""
    status = str(answer.status_code)
    assert status in operation["responses"] or f"{status[0]}XX" in operation["responses"], answer.text
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    problem = answer.json()
    assert {"type", "title", "status", "detail", "code", "request_id"} <= set(problem)
    assert problem["request_id"] == answer.headers["x-request-id"]
    assert problem["status"] == answer.status_code


async def whole_document(client: httpx.AsyncClient) -> dict[str, Any]:
    """The merged document, once every part has given its own: making one takes seconds on a busy machine."""
    async with asyncio.timeout(120):
        while "x-missing-parts" in (found := (await client.get("/openapi.json")).json()):  # noqa: ASYNC110 - parts answer when they can
            await asyncio.sleep(0.5)
    return dict(found)


@pytest.fixture
async def document(door: Suite) -> dict[str, Any]:
    """The same for all tests here: to make it anew costs seconds."""
    if not _MADE:
        _MADE.append(await whole_document(door.client()))
    return _MADE[0]


async def test_a_broken_body_is_a_declared_problem(door: Suite, document: dict[str, Any]) -> None:
    client = door.client()
    for route in UNSAFE:
        operation = document["paths"][route.template][route.method.lower()]
        if "requestBody" not in operation:
            continue
        for body, media_type in (
            (b'{"a":', "application/json"),
            (b"[]", "application/json"),
            (b"\xff\xfe", "text/plain"),
        ):
            answer = await client.request(
                route.method, path_of(route), content=body, headers={"content-type": media_type}
            )
            if answer.status_code == 200:
                assert route.tracking, "what SDKs send is answered with success, and kept as a dead letter"
                continue
            assert 400 <= answer.status_code < 500, (route, answer.text)
            is_the_documents(answer, operation)


async def test_two_idempotency_keys_are_a_declared_problem_at_every_operation(
    door: Suite, document: dict[str, Any]
) -> None:
    client = door.client()
    for route in UNSAFE:
        two = [("Idempotency-Key", "one"), ("Idempotency-Key", "two")]
        answer = await client.request(route.method, path_of(route), json={}, headers=two)
        assert (answer.status_code, answer.json()["code"]) == (400, "two_idempotency_keys"), route
        is_the_documents(answer, document["paths"][route.template][route.method.lower()])


async def test_parameters_out_of_bounds_are_declared_problems(door: Suite, document: dict[str, Any]) -> None:
    client = door.client()
    for route in SERVED:
        if route.method != "GET":
            continue
        answer = await client.get(path_of(route), params={"limit": "1000", "cursor": "no%00ne"})
        assert answer.status_code < 500, (route, answer.text)
        if answer.status_code >= 300:
            is_the_documents(answer, document["paths"][route.template]["get"])


async def test_a_method_that_is_not_there_is_said_with_those_that_are(door: Suite) -> None:
    client = door.client()
    known: dict[str, set[str]] = {}
    for route in SERVED:
        known.setdefault(route.template, set()).add(route.method)
    for template, methods in list(known.items())[:20]:
        for method in {"PUT", "PATCH"} - methods:
            answer = await client.request(method, re.sub(r"\{\w+\}", "nothing_here", template))
            assert (answer.status_code, answer.json()["code"]) == (405, "method_not_allowed")
            assert methods <= set(answer.headers["allow"].replace(" ", "").split(","))
