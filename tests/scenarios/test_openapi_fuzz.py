"""Schemathesis throws what the OpenAPI document allows, and what it forbids, at every operation: no answer is a 5xx."""

import asyncio
from typing import Any, cast

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from scenarios.conftest import StartSuite
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import content_type_conformance, status_code_conformance

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

EXAMPLES = 12


@pytest.mark.parametrize("kind", ["embedded", "one_process"])
async def test_no_input_is_a_server_error(start_suite: StartSuite, kind: str) -> None:
    async with start_suite(kind) as suite:
        failures = await asyncio.to_thread(fuzz, suite.url, suite.key)
        async with suite.client() as client:
            for audit in ("coupons", "stock", "segments", "journeys"):
                found = await client.call("GET", f"/v1/audit/{audit}")
                assert found["ok"], found
    assert not failures, "\n\n".join(failures)


def fuzz(url: str, key: str) -> list[str]:
    """What went wrong, one text for each operation."""
    document = requests.get(f"{url}/openapi.json", timeout=30).json()
    schema = schemathesis.openapi.from_dict(document)
    schema.config.update(base_url=url)
    failures = []
    with requests.Session() as session:
        session.headers["authorization"] = f"Bearer {key}"
        operations: list[Any] = [cast(Any, one).ok() for one in schema.get_all_operations()]
        assert len(operations) > 50
        for operation in operations:
            if operation.path.startswith("/v1/keys") and operation.method.upper() == "DELETE":
                continue  # it could only ever hit the key that we call with
            failure = _one(operation, session)
            if failure:
                failures.append(failure)
    return failures


def _one(operation: Any, session: requests.Session) -> str | None:
    @given(case=operation.as_strategy())
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
        derandomize=True,
    )
    def calls(case: Any) -> None:
        case.call_and_validate(
            session=session,
            timeout=30,
            checks=[not_a_server_error, content_type_conformance, status_code_conformance],
        )

    try:
        calls()
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt | SystemExit):
            raise
        return f"{operation.method.upper()} {operation.path}: {error}"[:1500]
    return None
