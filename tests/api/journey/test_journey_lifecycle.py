"""Drawing, publishing, pausing, stopping; and what publishing refuses."""

import asyncio
import itertools
from typing import Any

import pytest
from kit.journeys import JourneyShop, reasons

from shared.contracts import CouponTemplateChanged

WAITING = {
    "name": "waiting",
    "entry": {"kind": "event", "event": "A", "reentry": {"mode": "always"}},
    "nodes": {"w": {"kind": "wait_for", "event": "E", "timeout": "1h"}, "x": {"kind": "exit"}},
    "edges": [["entry", "w"], ["w", "event", "x"], ["w", "timeout", "x"]],
}


async def test_a_draft_is_kept_listed_and_read(shop: JourneyShop) -> None:
    answer = await shop.api.post("/v1/journeys", json=WAITING)
    assert answer.status_code == 201, answer.text
    draft = answer.json()
    assert (draft["version"], draft["status"], draft["live_version"], draft["problems"]) == (1, "draft", None, [])
    assert (await shop.api.get(f"/v1/journeys/{draft['id']}")).json() == draft
    again = await shop.api.put(f"/v1/journeys/{draft['id']}", json={**WAITING, "name": "again"})
    assert (again.json()["version"], again.json()["name"]) == (2, "again")
    listed = await shop.api.get("/v1/journeys", params={"status": "draft", "name": "again"})
    assert [one["id"] for one in listed.json()["data"]] == [draft["id"]]
    assert (await shop.api.get("/v1/journeys", params={"status": "published"})).json()["data"] == []


async def test_an_incomplete_draft_says_what_is_missing(shop: JourneyShop) -> None:
    answer = await shop.api.post("/v1/journeys", json={**WAITING, "edges": [["entry", "w"]]})
    assert [problem["code"] for problem in answer.json()["problems"]] == ["unreachable_node"]


async def test_concurrent_edits_each_make_a_version(shop: JourneyShop) -> None:
    journey = await shop.draw(WAITING)
    answers = await asyncio.gather(*(shop.api.put(f"/v1/journeys/{journey}", json=WAITING) for _ in range(10)))
    assert {answer.status_code for answer in answers} == {200}
    assert (await shop.api.get(f"/v1/journeys/{journey}")).json()["version"] == 11


async def test_runs_in_flight_finish_on_their_version(shop: JourneyShop) -> None:
    journey = await shop.publish_journey(WAITING)
    await shop.track("A", "old")
    other = {**WAITING, "nodes": {"v": {"kind": "wait", "for": "2h"}}, "edges": [["entry", "v"]]}
    await shop.api.put(f"/v1/journeys/{journey}", json=other)
    await shop.track("A", "between")
    published = await shop.api.post(f"/v1/journeys/{journey}/publish")
    assert published.json()["live_version"] == 2
    await shop.track("A", "new")
    await shop.track("E", "old")
    found = {run["customer_id"]: (run["version"], run["state"], run["node_id"]) for run in await shop.runs(journey)}
    assert found == {"old": (1, "completed", "x"), "between": (1, "waiting", "w"), "new": (2, "waiting", "v")}


async def test_a_pause_holds_everybody_and_a_resume_goes_on(shop: JourneyShop) -> None:
    journey = await shop.publish_journey({**WAITING, "exit_on": [{"event": "Gone"}]})
    for customer in ("timer", "event", "gone"):
        await shop.track("A", customer)
    paused = await shop.api.post(f"/v1/journeys/{journey}/pause")
    assert paused.json()["status"] == "paused"
    await shop.track("A", "nobody")
    await shop.track("E", "event")
    await shop.track("Gone", "gone")
    await shop.pass_time(hours=3)
    states = {run["customer_id"]: run["state"] for run in await shop.runs(journey)}
    assert states == {"timer": "waiting", "event": "waiting", "gone": "exited"}
    await shop.sound()
    resumed = await shop.api.post(f"/v1/journeys/{journey}/resume")
    assert resumed.json()["status"] == "published"
    await shop.rest()
    ways = {run["customer_id"]: reasons(run)[-2] for run in await shop.runs(journey)}
    assert ways == {"timer": "timed_out", "event": "event_came", "gone": "waiting_event"}


async def test_an_answer_that_comes_during_a_pause_is_kept(shop: JourneyShop) -> None:
    await shop.knows(templates=["tpl_1"])
    definition = {
        **WAITING,
        "nodes": {"c": {"kind": "issue_coupon", "template_id": "tpl_1"}},
        "edges": [["entry", "c"]],
    }
    journey = await shop.publish_journey(definition)
    await shop.track("A")
    await shop.api.post(f"/v1/journeys/{journey}/pause")
    await shop.publish(shop.coupon(shop.asked("journey.coupon_requested")[0]["reference"]))
    assert (await shop.run(journey))["state"] == "waiting_answer"
    await shop.api.post(f"/v1/journeys/{journey}/resume")
    await shop.rest()
    assert reasons(await shop.run(journey))[-2:] == ["coupon_issued", "path_end"]
    assert len(shop.asked("journey.coupon_requested")) == 1


async def test_a_stop_ends_every_run(shop: JourneyShop) -> None:
    journey = await shop.publish_journey(WAITING)
    for number in range(5):
        await shop.track("A", f"c{number}")
    for _ in range(2):
        stopped = await shop.api.post(f"/v1/journeys/{journey}/stop")
        assert stopped.json()["status"] == "stopped"
    await shop.rest()
    assert {(run["state"], run["reason"]) for run in await shop.runs(journey)} == {("exited", "journey_stopped")}
    for verb, code in (("publish", "journey_stopped"), ("pause", "wrong_status"), ("resume", "wrong_status")):
        refused = await shop.api.post(f"/v1/journeys/{journey}/{verb}")
        assert (refused.status_code, refused.json()["code"]) == (409, code)
    refused = await shop.api.put(f"/v1/journeys/{journey}", json=WAITING)
    assert (refused.status_code, refused.json()["code"]) == (409, "journey_stopped")


async def test_unknown_journeys(shop: JourneyShop) -> None:
    for method, path, body in (
        ("GET", "", None), ("PUT", "", WAITING), ("POST", "/publish", None), ("POST", "/pause", None),
        ("POST", "/resume", None), ("POST", "/stop", None), ("GET", "/runs", None), ("GET", "/statistics", None),
    ):  # fmt: skip
        answer = await shop.api.request(method, f"/v1/journeys/jny_none{path}", json=body)
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found"), path


@pytest.mark.parametrize(
    ("change", "code", "pointer"),
    [
        ({"nodes": {"p": {"kind": "parallel"}}}, "unsupported_node", "#/nodes/p/kind"),
        ({"nodes": {"p": {"kind": "add_points", "points": 5}}}, "unsupported_node", "#/nodes/p/kind"),
        ({"nodes": {"p": {"kind": "banana"}}}, "unsupported_node", "#/nodes/p/kind"),
        ({"entry": {"kind": "schedule", "cron": "* * * * *"}}, "unsupported_entry", "#/entry/kind"),
        ({"colour": "red"}, "validation_failed", "#/colour"),
        ({"nodes": {"w": {"kind": "wait", "for": 5}}}, "validation_failed", "#/nodes/w/for"),
        ({"nodes": {"w": {"kind": "wait", "fro": "1h"}}}, "validation_failed", "#/nodes/w/fro"),
        ({"nodes": {"w": {"kind": "wait_for", "event": "E"}}}, "validation_failed", "#/nodes/w/timeout"),
        ({"nodes": {}}, "validation_failed", "#/nodes"),
        ({"edges": [["entry"]]}, "validation_failed", "#/edges/0"),
        ({"holdout_bp": 10_001}, "validation_failed", "#/holdout_bp"),
        ({"holdout_bp": 0.5}, "validation_failed", "#/holdout_bp"),
        ({"entry": {"kind": "event", "event": "A", "reentry": {"mode": "sometimes"}}}, "validation_failed",
         "#/entry/reentry/mode"),
    ],
)  # fmt: skip
async def test_what_cannot_even_be_drawn(shop: JourneyShop, change: dict[str, Any], code: str, pointer: str) -> None:
    answer = await shop.api.post("/v1/journeys", json={**WAITING, **change})
    assert (answer.status_code, answer.json()["code"]) == (422, code), answer.text
    assert answer.json()["errors"][0]["pointer"] == pointer
    if code == "unsupported_node":
        assert "wait, wait_for, branch, split, issue_coupon, send, exit" in answer.json()["detail"]


async def test_publishing_names_every_problem_at_once(shop: JourneyShop) -> None:
    nodes = {
        "w": {"kind": "wait", "for": "soon"},
        "s": {"kind": "split", "variants": [{"name": "A", "share_bp": 9999}]},
        "lost": {"kind": "exit"},
    }
    journey = await shop.draw({**WAITING, "nodes": nodes, "edges": [["entry", "w"], ["w", "s"], ["s", "A", "w"]]})
    refused = await shop.api.post(f"/v1/journeys/{journey}/publish")
    assert (refused.status_code, refused.json()["code"]) == (422, "invalid_definition")
    assert {(error["pointer"], error["code"]) for error in refused.json()["errors"]} == {
        ("#/nodes/w/for", "invalid_duration"),
        ("#/nodes/s/variants", "shares_not_whole"),
        ("#/nodes/lost", "unreachable_node"),
        ("#/nodes/w", "loop_without_wait"),
        ("#/nodes/s", "loop_without_wait"),
    }
    assert (await shop.api.get(f"/v1/journeys/{journey}")).json()["status"] == "draft"


async def test_publishing_knows_templates_segments_and_channels(shop: JourneyShop) -> None:
    webhook = await shop.template("x", channel="webhook")
    nodes = {
        "c": {"kind": "issue_coupon", "template_id": "tpl_none"},
        "b": {"kind": "branch", "rule": {"not": {"segment": "seg_none"}}},
        "m": {"kind": "send", "channel": "inbox", "template_id": "msg_none"},
        "i": {"kind": "send", "channel": "inbox", "template_id": webhook},
        "h": {"kind": "send", "channel": "webhook", "template_id": webhook},
        "p": {"kind": "send", "channel": "webhook", "template_id": webhook, "url": "https://10.0.0.1/hook"},
    }
    chain = ["entry", "c", "b", "m", "i", "h", "p"]
    edges = [["b", "yes", "m"] if one == "b" else [one, two] for one, two in itertools.pairwise(chain)]
    journey = await shop.draw({**WAITING, "nodes": nodes, "edges": edges})
    refused = await shop.api.post(f"/v1/journeys/{journey}/publish")
    assert refused.json()["errors"][0]["code"] == "url_refused"
    nodes.pop("p")
    edges.pop()
    await shop.api.put(f"/v1/journeys/{journey}", json={**WAITING, "nodes": nodes, "edges": edges})
    refused = await shop.api.post(f"/v1/journeys/{journey}/publish")
    assert {(error["pointer"], error["code"]) for error in refused.json()["errors"]} == {
        ("#/nodes/c/template_id", "unknown_template"),
        ("#/nodes/b/rule/not/segment", "unknown_segment"),
        ("#/nodes/m/template_id", "unknown_message_template"),
        ("#/nodes/i/template_id", "wrong_channel"),
        ("#/nodes/h", "url_missing"),
    }


async def test_publishing_waits_a_moment_for_an_id_that_is_on_its_way(start_shop: Any) -> None:
    shop = await start_shop(copy_wait_seconds=5)
    nodes = {"c": {"kind": "issue_coupon", "template_id": "tpl_new"}}
    journey = await shop.draw({**WAITING, "nodes": nodes, "edges": [["entry", "c"]]})
    publishing = asyncio.create_task(shop.api.post(f"/v1/journeys/{journey}/publish"))
    await asyncio.sleep(0.3)
    await shop.knows(templates=["tpl_new"])
    assert (await publishing).status_code == 200


async def test_publishing_with_an_idempotency_key_can_be_repeated_until_the_id_is_known(shop: JourneyShop) -> None:
    """On SQLite the call holds the only writer, so it does not wait; on PostgreSQL it does, and refuses for good."""
    nodes = {"c": {"kind": "issue_coupon", "template_id": "tpl_new"}}
    journey = await shop.draw({**WAITING, "nodes": nodes, "edges": [["entry", "c"]]})
    path, headers = f"/v1/journeys/{journey}/publish", {"Idempotency-Key": "p1"}
    early = await shop.api.post(path, headers=headers)
    if shop.running.service.kit.db.dialect == "sqlite":
        assert (early.status_code, early.json()["code"]) == (409, "ids_not_known_yet")
        await shop.knows(templates=["tpl_new"])
        assert (await shop.api.post(path, headers=headers)).status_code == 200
    else:
        assert early.json()["errors"][0]["code"] == "unknown_template"


async def test_an_archived_template_is_not_known_whatever_the_order_of_messages(shop: JourneyShop) -> None:
    def told(version: int, status: str) -> CouponTemplateChanged:
        return CouponTemplateChanged(
            template_id="tpl_1", name_text="t", status=status, currency="CNY", version_number=version
        )

    await shop.publish(told(2, "archived"))
    await shop.publish(told(1, "active"))
    nodes = {"c": {"kind": "issue_coupon", "template_id": "tpl_1"}}
    journey = await shop.draw({**WAITING, "nodes": nodes, "edges": [["entry", "c"]]})
    refused = await shop.api.post(f"/v1/journeys/{journey}/publish")
    assert refused.json()["errors"][0]["code"] == "unknown_template"


async def test_scopes_and_customers_are_kept_apart(shop: JourneyShop) -> None:
    journey = await shop.publish_journey(WAITING)
    await shop.track("A", "c1")
    run = await shop.run(journey)
    assert (await shop.running.stranger().get(f"/v1/journeys/{journey}")).status_code == 401
    reader = shop.running.client(scopes=("journey:journeys:read",))
    assert (await reader.get(f"/v1/journeys/{journey}")).status_code == 200
    assert (await reader.post("/v1/journeys", json=WAITING)).status_code == 403
    other = shop.running.client(customer_id="c2")
    assert (await other.get(f"/v1/journey-runs/{run['id']}")).status_code == 404
    assert (await other.get(f"/v1/journeys/{journey}/runs")).json()["data"] == []
    assert (await other.get(f"/v1/journeys/{journey}/runs", params={"customer_id": "c1"})).status_code == 404
    assert (await other.get("/v1/messages", params={"customer_id": "c1"})).status_code == 404
    assert (await other.get("/v1/customers/c1/inbox")).status_code == 404
