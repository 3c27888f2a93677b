"""Attack 12 on the journey service: journeys, runs, messages and templates of another partner are not there."""

import pytest
from attacks.partners import Json, Partners, cases_of
from conftest import RunService

from services.journey.app import create_service
from services.journey.settings import JourneySettings

PATHS = ("/v1/journeys", "/v1/journey-runs", "/v1/message-templates", "/v1/messages")
TEMPLATE = {"name": "问候", "channel": "inbox", "body": "{{ customer.city }}"}


def greeting(template_id: str) -> Json:
    return {
        "name": "问候",
        "entry": {"kind": "api"},
        "nodes": {"s": {"kind": "send", "channel": "inbox", "template_id": template_id}},
        "edges": [["entry", "s"]],
    }


@pytest.fixture
async def partners(run_service: RunService) -> Partners:
    return Partners(await run_service(create_service, JourneySettings, copy_wait_seconds=0.0))


async def published(partners: Partners, by: object = None) -> Json:
    """The ids of a journey that is live, of its template, and of partner A's run and message in it."""
    template = await partners.make("/v1/message-templates", TEMPLATE, by=by)  # type: ignore[arg-type] # a client or nobody
    journey = await partners.make("/v1/journeys", greeting(template["id"]), by=by)  # type: ignore[arg-type] # as above
    await partners.make(f"/v1/journeys/{journey['id']}/publish", by=by)  # type: ignore[arg-type] # as above
    run = await partners.make(f"/v1/journeys/{journey['id']}/entries", {"customer_id": "c1"})
    message = (await partners.a.get("/v1/messages")).json()["data"][0]["id"]
    partners.made.append(message)
    return {"journey_id": journey["id"], "template_id": template["id"], "run_id": run["id"], "message_id": message}


async def test_attack_12_every_operation_on_another_partners_journey_answers_like_a_random_id(
    partners: Partners,
) -> None:
    ids = await published(partners)
    bodies = {
        "PUT /v1/journeys/{journey_id}": greeting(ids["template_id"]),
        "POST /v1/journeys/{journey_id}/entries": {"customer_id": "c2"},
        "POST /v1/journeys/{journey_id}/dry-run": {},
        "POST /v1/message-templates/{template_id}/preview": {},
    }
    await partners.refuses_like_nothing(cases_of(PATHS, ids, bodies, {}))
    queries: dict[str, list[Json]] = {
        "GET /v1/journeys": [{}, {"name": "问候"}, {"status": "published"}],
        "GET /v1/message-templates": [{}, {"name": "问候"}],
        "GET /v1/messages": [{}, {"customer_id": "c1"}, {"journey_id": ids["journey_id"]}],
    }
    await partners.lists_tell_nothing(PATHS, queries)


async def test_attack_12_partners_let_customers_into_the_merchants_journey_and_see_their_own_runs(
    partners: Partners,
) -> None:
    ids = await published(partners, by=partners.merchant)
    path = f"/v1/journeys/{ids['journey_id']}"
    assert (await partners.b.get(path)).status_code == 200
    assert (await partners.b.get(f"{path}/runs")).json()["data"] == []
    assert (await partners.b.get(f"/v1/journey-runs/{ids['run_id']}")).status_code == 404
    assert (await partners.a.get(f"{path}/runs")).json()["data"][0]["id"] == ids["run_id"]
    for change in ("pause", "stop", "publish"):
        assert (await partners.b.post(f"{path}/{change}")).status_code == 404
    assert (await partners.b.put(path, json=greeting(ids["template_id"]))).status_code == 404
    assert (await partners.b.get("/v1/audit/journeys")).json()["code"] == "operators_only"


async def test_attack_12_nobody_sends_by_the_template_of_another_partner(partners: Partners) -> None:
    ids = await published(partners)
    answers = []
    for template_id in (ids["template_id"], "msg_01M8PQJ9JFEX7SNQ8EW41NFK40"):
        journey = await partners.make("/v1/journeys", greeting(template_id), by=partners.b)
        answer = await partners.b.post(f"/v1/journeys/{journey['id']}/publish")
        answers.append((answer.status_code, answer.json()["errors"][0]["code"]))
    assert answers == [(422, "unknown_message_template")] * 2


async def test_attack_12_templates_show_a_customers_traits_to_who_may_read_profiles_only(partners: Partners) -> None:
    ids = await published(partners, by=partners.merchant)
    reader = partners.running.client(("journey:*:read",), owner_id="own_a", kind="partner")
    for path, body in (
        (f"/v1/message-templates/{ids['template_id']}/preview", {"customer_id": "c1"}),
        (f"/v1/journeys/{ids['journey_id']}/dry-run", {"customer_id": "c1"}),
    ):
        refused = await reader.post(path, json=body)
        assert (refused.status_code, refused.json()["scope"]) == (403, "segments:profiles:read"), path
        assert (await reader.post(path, json={})).status_code == 200
        assert (await partners.a.post(path, json=body)).status_code == 200
