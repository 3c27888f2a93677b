"""Attack 37 in the journey service: dry runs with hundreds of long messages leave everybody else's small calls alone."""

import asyncio
import statistics
import time
from typing import Any

from conftest import RunService

from services.journey.app import create_service
from services.journey.settings import JourneySettings

LONG = "{% for n in (1..1900) %}{% assign x = n | times: 3 | plus: 1 | modulo: 7 %}{% endfor %}{{ x }}"


async def test_attack_37_dry_runs_leave_small_calls_alone(run_service: RunService) -> None:
    running = await run_service(create_service, JourneySettings, copy_wait_seconds=0.0)
    http = running.client()
    template = (await http.post("/v1/message-templates", json={"name": "x", "channel": "inbox", "body": LONG})).json()
    nodes: dict[str, Any] = {}
    edges = [["entry", "s0"]]
    for number in range(40):
        nodes[f"s{number}"] = {"kind": "send", "channel": "inbox", "template_id": template["id"]}
        if number:
            edges.append([f"s{number - 1}", f"s{number}"])
    drawn = {"name": "x", "entry": {"kind": "api"}, "nodes": nodes, "edges": edges}
    journey = (await http.post("/v1/journeys", json=drawn)).json()
    path = f"/v1/journeys/{journey['id']}"

    async def latency(while_running: "asyncio.Future[Any] | None" = None) -> float:
        took: list[float] = []
        while len(took) < 30 if while_running is None else not while_running.done():
            started = time.perf_counter()
            assert (await http.get("/v1/message-templates", params={"limit": 1})).status_code == 200
            took.append(time.perf_counter() - started)
        return statistics.median(took)

    peace = await latency()
    plays = asyncio.gather(*[http.post(f"{path}/dry-run", json={}) for _ in range(4)])
    under_attack = await latency(plays)
    assert [one.status_code for one in await plays] == [200] * 4, (await plays)[0].text
    assert under_attack <= 5 * peace + 0.25, f"{under_attack:.3f} s against {peace:.3f} s in peace"
