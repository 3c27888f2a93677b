"""The audit log tells of every administrative call: who, what, of which object, what came of it, before and after."""

import csv
import io
import json
from typing import Any

import pytest
from kit.gateway import Suite
from kit.operators import operator
from kit.upstream import answer

from gateway.audit_log.rules import administrative
from gateway.forwarding.embedded import AsgiForwarder
from gateway.routes import ROUTES
from shared.clock import ManualClock


class Things:
    """A part that keeps things and shows them."""

    def __init__(self) -> None:
        self.things: dict[str, dict[str, Any]] = {}
        self.asked: list[str] = []
        self.status = 200

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        body = b""
        while True:
            message = await receive()
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
        name = scope["path"].rpartition("/")[2]
        self.asked.append(f"{scope['method']} {scope['path']}")
        if scope["method"] == "GET":
            return await answer(send, 200 if name in self.things else 404, self.things.get(name, {}))
        if self.status == 200 and scope["method"] == "POST" and scope["path"] == "/v1/things":
            self.things["thg_1"] = {"id": "thg_1", **json.loads(body)}
            return await answer(send, 201, {"id": "thg_1", "secret": "canary"})
        if self.status == 200:
            self.things["tpl_1"] = self.things.get("tpl_1", {}) | json.loads(body)
        await answer(send, self.status, {"id": "tpl_1"})


@pytest.fixture
async def things() -> Things:
    return Things()


@pytest.fixture
async def shop(run_gateway: Any, things: Things) -> Suite:
    suite: Suite = await run_gateway({"coupon": AsgiForwarder(things), "segments": AsgiForwarder(things)})
    return suite


async def calls(suite: Suite, **wanted: str) -> list[dict[str, Any]]:
    got = await suite.client().get("/v1/audit-log", params={"kind": "call", **wanted})
    assert got.status_code == 200, got.text
    entries: list[dict[str, Any]] = got.json()["data"]
    return entries


async def test_a_change_is_told_with_what_was_before_and_what_is_after(shop: Suite, things: Things) -> None:
    things.things["tpl_1"] = {"id": "tpl_1", "name": "旧", "limits": {"total": 1}, "phone": "13800000000", "same": 1}
    browser = await operator(shop, role="marketer")
    changed = await browser.call(
        "PATCH", "/v1/coupon-templates/tpl_1", {"name": "新", "phone": "13900000000"}, x_request_id="my-request-1"
    )
    assert changed.status_code == 200
    (entry,) = await calls(shop, object_id="tpl_1")
    account_id = (await browser.get("/v1/me")).json()["id"]
    assert (entry["actor"], entry["action"]) == (f"account:{account_id}", "PATCH /v1/coupon-templates/{template_id}")
    assert (entry["status"], entry["request_id"], entry["address"]) == (200, "my-request-1", "203.0.113.20")
    assert entry["before"] == {"name": "旧", "phone": "***"}
    assert entry["after"] == {"name": "新", "phone": "***"}
    assert (await calls(shop, request_id="my-request-1")) == [entry]
    one = await shop.client().get(f"/v1/audit-log/{entry['id']}")
    assert one.json() == entry


async def test_what_is_made_is_told_as_its_part_shows_it_and_never_by_the_answer(shop: Suite, things: Things) -> None:
    made = await shop.client().post("/v1/things", json={"name": "a", "password": "canary"})
    assert made.json() == {"id": "thg_1", "secret": "canary"}
    (entry,) = await calls(shop, object_id="thg_1")
    assert (entry["before"], entry["after"]) == (None, {"id": "thg_1", "name": "a", "password": "***"})
    assert (entry["actor"], entry["status"]) == ("key:key_admin", 201)


async def test_what_there_is_one_of_is_told_before_and_after_as_well(shop: Suite) -> None:
    await shop.client().patch("/v1/account-policy", json={"require_second_factor": True})
    (entry,) = await calls(shop, action="PATCH /v1/account-policy")
    assert (entry["before"], entry["after"]) == ({"require_second_factor": False}, {"require_second_factor": True})


async def test_a_refused_call_is_told_without_the_object(shop: Suite, things: Things) -> None:
    things.things["tpl_1"] = {"id": "tpl_1", "name": "x"}
    things.status = 404
    partner = await shop.key(kind="partner", scopes=["coupon:*:*", "gateway:*:*"])
    await shop.client(partner).patch("/v1/coupon-templates/tpl_1", json={"name": "y"})
    (entry,) = await calls(shop, object_id="tpl_1")
    assert (entry["status"], entry["before"], entry["after"]) == (404, None, None)
    seen = await shop.client(partner).get("/v1/audit-log")
    assert [one for one in seen.json()["data"] if one["kind"] == "call"] == []


async def test_trade_is_not_told_of_unless_an_operator_does_it(shop: Suite, things: Things) -> None:
    path = "/v1/coupon-templates/tpl_1/claims"
    await shop.client().post(path, json={"customer_id": "c1"})
    assert things.asked == [f"POST {path}"]
    assert await calls(shop, object_id="tpl_1") == []
    browser = await operator(shop, role="marketer")
    await browser.post(path, {"customer_id": "c1"})
    assert [one["action"] for one in await calls(shop, object_id="tpl_1")] == [
        "POST /v1/coupon-templates/{template_id}/claims"
    ]


def test_hot_paths_are_no_administrative_calls() -> None:
    told = {f"{route.method} {route.template}" for route in ROUTES if administrative(route)}
    hot = {"/claims", "/v1/track", "/v1/batch", "/v1/reservations", "/v1/quotes", "/v1/checkouts", "/v1/redemptions"}
    assert [one for one in told if one.split(" ")[1].endswith(tuple(hot))] == []
    assert {"POST /v1/coupon-templates", "DELETE /v1/keys/{key_id}", "PUT /v1/journeys/{journey_id}"} <= told
    assert {
        "POST /v1/stock/adjustments",
        "PATCH /v1/accounts/{account_id}",
        "POST /v1/coupons/{coupon_id}/void",
    } <= told
    assert not [one for one in told if one.startswith("GET")]


async def test_what_can_not_be_written_down_is_not_done(
    shop: Suite, things: Things, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: Any) -> None:
        raise OSError("disk full")

    monkeypatch.setattr("gateway.audit_log.repository.insert_entry", broken)
    refused = await shop.client().patch("/v1/coupon-templates/tpl_1", json={"name": "x"})
    assert refused.status_code >= 500
    assert things.asked == []


async def test_a_call_that_nobody_finished_is_told_as_such(
    shop: Suite, things: Things, monkeypatch: pytest.MonkeyPatch, clock: ManualClock
) -> None:
    """As when the gateway is killed while the part answers."""

    async def broken(*_: Any) -> None:
        raise OSError("killed")

    with monkeypatch.context() as patch:
        patch.setattr("gateway.audit_log.repository.close_entry", broken)
        assert (await shop.client().patch("/v1/coupon-templates/tpl_1", json={"name": "x"})).status_code == 200
    await shop.running.tick()
    (entry,) = await calls(shop, object_id="tpl_1")
    assert (entry["status"], entry["seq"]) == (None, None)
    clock.advance(seconds=601)
    await shop.running.tick()
    (entry,) = await calls(shop, object_id="tpl_1")
    assert (entry["status"], entry["detail"]) == (None, {"outcome": "unknown"})
    assert entry["seq"] is not None


async def test_filters_by_who_and_when(shop: Suite, clock: ManualClock) -> None:
    await shop.client().patch("/v1/coupon-templates/tpl_1", json={"name": "x"})
    noon = clock.advance(seconds=3600).isoformat()
    await shop.client().patch("/v1/coupon-templates/tpl_2", json={"name": "x"})
    assert [one["object_id"] for one in await calls(shop, since=noon, actor="key:key_admin")] == ["tpl_2"]
    assert [
        one["object_id"] for one in await calls(shop, until=noon, action="PATCH /v1/coupon-templates/{template_id}")
    ] == ["tpl_1"]
    assert await calls(shop, actor="account:acc_1") == []


async def test_the_export_is_read_by_spreadsheets_and_by_programs(shop: Suite, things: Things) -> None:
    things.things["tpl_1"] = {"id": "tpl_1", "name": "=cmd()"}
    await shop.client().patch("/v1/coupon-templates/tpl_1", json={"name": "满减"})
    await shop.client().patch("/v1/coupon-templates/=1+1", json={"name": "x"})
    await shop.running.tick()
    sheet = await shop.client().get("/v1/audit-log/export", params={"kind": "call"})
    assert sheet.content.startswith(b"\xef\xbb\xbf")
    rows = list(csv.DictReader(io.StringIO(sheet.content.decode("utf-8-sig"))))
    assert [row["object_id"] for row in rows] == ["tpl_1", "'=1+1"]
    assert json.loads(rows[0]["after"]) == {"name": "满减"}
    lines = await shop.client().get("/v1/audit-log/export", params={"kind": "call", "format": "jsonl"})
    told = [json.loads(line) for line in lines.text.splitlines()]
    assert [one["object_id"] for one in told] == ["tpl_1", "=1+1"]
    assert told[0]["before"] == {"name": "=cmd()"}
