"""Attack 12 on the segments service: segments, dead letters and imports of another partner are not there."""

import pytest
from attacks.partners import Json, Partners, cases_of
from conftest import RunService

from services.segments.app import create_service
from services.segments.settings import SegmentsSettings

PATHS = ("/v1/segments", "/v1/tracking-rejects")
RULE = {"trait": "vip", "op": "eq", "value": True}
BODY = {"name": "贵宾", "rule": RULE}


@pytest.fixture
async def partners(run_service: RunService) -> Partners:
    found = Partners(await run_service(create_service, SegmentsSettings))
    known = {"userId": "c1", "messageId": "m1", "traits": {"vip": True}}
    assert (await found.a.post("/v1/identify", json=known)).status_code == 200
    return found


async def test_attack_12_every_operation_on_another_partners_segment_answers_like_a_random_id(
    partners: Partners,
) -> None:
    made = await partners.make("/v1/segments", BODY)
    assert (await partners.a.post("/v1/batch", json={"batch": [{"type": "nothing"}]})).status_code == 200
    partners.made.append((await partners.a.get("/v1/tracking-rejects")).json()["data"][0]["id"])
    ids = {"customer_id": "c1", "segment_id": made["id"]}
    bodies = {
        "PUT /v1/segments/{segment_id}": BODY,
        "PATCH /v1/segments/{segment_id}": {"name": "x"},
    }
    cases = cases_of(PATHS, ids, bodies, {})
    explained = [case for case in cases if "{customer_id}" in case.route]
    await partners.refuses_like_nothing([case for case in cases if case not in explained])
    for segment_id in (made["id"], "seg_01M8PQJ9JFEX7SNQ8EW41NFK40"):
        answer = await partners.b.get(f"/v1/segments/{segment_id}/members/c1")
        assert (answer.status_code, answer.json()["detail"]) == (
            404,
            "There is no such segment; list them with GET /v1/segments.",
        )
    queries: dict[str, list[Json]] = {
        "GET /v1/segments": [{}, {"status": "live"}],
        "GET /v1/tracking-rejects": [{}],
    }
    await partners.lists_tell_nothing(PATHS, queries)


async def test_attack_12_a_rule_reads_no_segment_of_another_partner(partners: Partners) -> None:
    made = await partners.make("/v1/segments", BODY)
    theirs = {"segment": made["id"]}
    nobodys = {"segment": "seg_01M8PQJ9JFEX7SNQ8EW41NFK40"}
    for path, more in (("/v1/segments/preview", {}), ("/v1/segments", {"name": "x"})):
        answers = [await partners.b.post(path, json={"rule": rule, **more}) for rule in (theirs, nobodys)]
        assert [one.status_code for one in answers] == [422, 422]
        assert answers[0].json()["code"] == answers[1].json()["code"]
        assert (await partners.a.post(path, json={"rule": theirs, **more})).status_code in (200, 201)
    shared = await partners.make("/v1/segments", BODY, by=partners.merchant)
    assert (await partners.b.patch(f"/v1/segments/{shared['id']}", json={"name": "x"})).status_code == 404
    assert (await partners.b.delete(f"/v1/segments/{shared['id']}")).status_code == 404
    assert (await partners.b.get(f"/v1/segments/{shared['id']}")).json()["name"] == "贵宾"


async def test_attack_12_the_same_imported_order_of_two_partners_is_apart(partners: Partners) -> None:
    order = {"order_id": "o1", "customer_id": "c1", "ordered_at": "2026-11-01T00:00:00Z", "total": 100}
    body = {"source": "shop", "orders": [order]}
    results = [
        (await partners.make("/v1/imports/orders", body, by=by))["results"][0]["status"]
        for by in (partners.a, partners.b, partners.a, partners.merchant)
    ]
    assert results == ["accepted", "accepted", "duplicate", "accepted"]
    assert (await partners.b.get("/v1/audit/segments")).json()["code"] == "operators_only"
