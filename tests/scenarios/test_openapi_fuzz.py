"""Schemathesis throws what the OpenAPI document allows, and what it forbids, at every operation: no answer is a 5xx.

The suite has a story behind it by then, and path parameters are often ids of real objects, so that the calls reach the use cases.
"""

import asyncio

import pytest
from kit.fuzzing import fuzz
from scenarios.conftest import StartSuite, open_story

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(("kind", "examples"), [("embedded", 3), ("one_process", 12)])  # PostgreSQL is the stricter one
async def test_no_input_is_a_server_error(start_suite: StartSuite, kind: str, examples: int) -> None:
    async with start_suite(kind) as suite:
        async with open_story(suite, "fuzz", patience=20) as story:
            await story.merchant()
            await story.shopper(story.first)
            await story.check_out(story.first)
        failures = await asyncio.to_thread(fuzz, suite.url, suite.key, examples=examples, least=25 * examples)
        async with suite.client() as client:
            for audit in ("coupons", "stock", "segments", "journeys"):
                found = await client.call("GET", f"/v1/audit/{audit}")
                assert found["ok"], found
    assert not failures, "\n\n".join(failures)
