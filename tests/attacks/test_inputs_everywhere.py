"""Every field of every operation's body, broken: each refusal points into the body that was sent, and no odd time passes."""

import re
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from attacks.conftest import SERVICES
from conftest import RunService
from kit.bodies import Bodies, Place
from kit.gateway import ADMIN_KEY, Suite

from gateway.app import Gateway, create_gateway
from gateway.forwarding.embedded import AsgiForwarder
from gateway.forwarding.port import Forwarder
from gateway.settings import GatewaySettings
from services.journey.app import create_service as journey
from services.journey.settings import JourneySettings
from shared.clock import Clock
from shared.messaging import Bus
from shared.web.pointers import cut_to, pointer

pytestmark = pytest.mark.parametrize("backend", ["sqlite"], indirect=True)  # refused before any row decides
ROOT = Path(__file__).parents[2]
NO_TIMES = [
    1_794_240_000,
    "1794240000",
    "2026-11-11",
    "2026-11-11T00:00:00",
    "2026-11-11T24:00:00Z",
    "2026-02-30T00:00:00Z",
]
OUR_WORDS = re.compile(r"Input should|instance of|dictionary|[a-z]+_[a-z]+ should|NoneType")
"""What no merchant should have to read."""
TRACKING = re.compile(r"/v1/(identify|track|page|screen|group|alias|batch|[itpsgab])$")
"""In the manner of others' SDKs: an item is taken or not, as a whole."""


@pytest.fixture
async def whole(run_service: RunService) -> AsyncIterator[Suite]:
    """Gateway and all parts in one process."""
    parts = {**SERVICES, "journey": (journey, JourneySettings)}
    running = {name: await run_service(create, kind) for name, (create, kind) in parts.items()}
    upstreams: dict[str, Forwarder] = {name: AsgiForwarder(one.service.app) for name, one in running.items()}

    def create(own: GatewaySettings, bus: Bus, clock: Clock) -> Gateway:
        return create_gateway(own, bus, clock, upstreams)

    suite = Suite(await run_service(create, GatewaySettings, admin_key=ADMIN_KEY), {})
    yield suite
    for client in suite.clients:
        await client.aclose()


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any], dict[str, Any]]]:
    """Method, path with ids in it, operation, schema of its body ({} without one)."""
    for path, item in document["paths"].items():
        for method, operation in item.items():
            content = operation.get("requestBody", {}).get("content", {})
            yield method, re.sub(r"{\w+}", "x", path), operation, content.get("application/json", {}).get("schema", {})


async def test_every_refusal_points_into_the_body_that_was_sent(whole: Suite) -> None:
    client = whole.client()
    document = (await client.get("/openapi.json")).json()
    bodies, wrong, told = Bodies(document), [], 0
    for method, path, _, schema in operations(document):
        if not schema or TRACKING.match(path):
            continue
        for broken in bodies.broken(schema):
            answer = await client.request(method, path, json=broken.body)
            problem = answer.json()
            pointers = {error["pointer"] for error in problem.get("errors", ())}
            told += len(pointers)
            wrong += [
                f"{method} {path}: {one} is not in {broken.body}" for one in pointers if cut_to(broken.body, one) != one
            ]
            details = [error["detail"] for error in problem.get("errors", ())]
            wrong += [f"{method} {path}: {one}" for one in details if OUR_WORDS.search(one)]
            wanted = {pointer(*place) for place in broken.places | broken.gone}
            if len(problem.get("errors", ())) < 50 and not wanted <= pointers:
                wrong.append(
                    f"{method} {path} {answer.status_code}: {sorted(wanted - pointers)} not told of: {answer.text[:300]}"
                )
    assert not wrong, "\n".join(wrong[:20])
    assert told > 1_500


async def test_no_odd_time_passes_anywhere(whole: Suite) -> None:
    client = whole.client()
    document = (await client.get("/openapi.json")).json()
    bodies, wrong, places = Bodies(document), [], set[tuple[str, str, Place]]()
    for method, path, operation, schema in operations(document):
        for body, place in bodies.times(schema):
            if (method, path, place) in places:
                continue
            places.add((method, path, place))
            for odd in NO_TIMES:
                answer = await client.request(method, path, json=changed(body, place, odd))
                found = {(error["pointer"], error["code"]) for error in answer.json().get("errors", ())}
                if (pointer(*place), "invalid_time") not in found:
                    wrong.append(f"{method} {path} {place} {odd}: {answer.text[:300]}")
        for name in bodies.parameters(operation, "date-time"):
            places.add((method, path, (name,)))
            for odd in NO_TIMES:
                answer = await client.request(method, path, params={name: str(odd)})
                if f"?{name}" not in [error["pointer"] for error in answer.json().get("errors", ())]:
                    wrong.append(f"{method} {path} ?{name}={odd}: {answer.text[:300]}")
    assert not wrong, "\n".join(wrong[:20])
    assert len(places) > 15


def changed(body: Any, place: Place, value: Any) -> Any:
    """A copy of the body with another value at that place."""
    if not place:
        return value
    copied: Any = dict(body) if isinstance(body, dict) else list(body)
    copied[place[0]] = changed(copied[place[0]], place[1:], value)
    return copied


async def test_every_pointer_in_the_code_is_a_field_of_a_body(whole: Suite) -> None:
    """Of an operation of the same part; what stands in a variable is any name."""
    document = (await whole.client().get("/openapi.json")).json()
    bodies, schemas, known = Bodies(document), dict[str, list[dict[str, Any]]](), dict[str, set[str]]()
    for _, _, operation, schema in operations(document):
        part = operation.get("x-required-scope", "gateway:").partition(":")[0]
        schemas.setdefault(part, []).append(schema)
        known.setdefault(part, set()).update(one["name"] for one in operation.get("parameters", ()) if "name" in one)
    found, wrong = 0, []
    for part in schemas:
        for file in (ROOT / ("gateway" if part == "gateway" else f"services/{part}")).rglob("*.py"):
            for place in re.findall(r"""["'](#/(?!components|channels)[\w{}/.*-]*|\?[a-z_]+)["']""", file.read_text()):
                found += 1
                parts = re.sub(r"{[^}]*}", "*", place)[2:].split("/")
                if place[0] == "?" and place[1:] not in known[part]:
                    wrong.append(f"{file}: {place} is no parameter")
                if place[0] == "#" and not any(bodies.holds(schema, parts) for schema in schemas[part] if schema):
                    wrong.append(f"{file}: {place} is no field of a body")
    assert not wrong, "\n".join(wrong)
    assert found > 30


async def test_a_parameter_is_told_from_the_body(whole: Suite) -> None:
    client, asked = whole.client(), 0
    document = (await client.get("/openapi.json")).json()
    for method, path, operation, _ in operations(document):
        for name in Bodies(document).parameters(operation, "integer"):
            answer = await client.request(method, path, params={name: "many"})
            assert [error["pointer"] for error in answer.json()["errors"]] in ([f"?{name}"], [f"?{name}", "#"]), (
                answer.text
            )
            asked += 1
    assert asked > 20
