"""Defining segments, reading them, explaining them; bad rules are answered with pointers."""

from datetime import timedelta
from typing import Any

import pytest

VIEWED = {"event": "Product Viewed", "op": "gte", "value": 1, "within": {"last": "1d", "mode": "rolling"}}
CITY = {"trait": "city", "op": "eq", "value": "上海"}


async def refused(segments: Any, rule: Any, status: int = 422) -> tuple[str, str]:
    answer = await segments.http.post("/v1/segments", json={"name": "s", "rule": rule})
    assert answer.status_code == status, answer.text
    preview = await segments.http.post("/v1/segments/preview", json={"rule": rule})
    assert preview.status_code == status
    problem = answer.json()
    return problem["code"], problem["errors"][0]["pointer"]


@pytest.mark.parametrize(
    ("rule", "code", "pointer"),
    [
        ({}, "invalid_rule", "#/rule"),
        ({"all": []}, "invalid_rule", "#/rule/all"),
        ({"all": [{"tag": "vip", "op": "exists"}]}, "unsupported_rule", "#/rule/all/0/tag"),
        ({"not": {"consent": "sms", "op": "granted"}}, "unsupported_rule", "#/rule/not/consent"),
        ({"sequence": []}, "unsupported_rule", "#/rule/sequence"),
        ({"any": [CITY, {"segment": "seg_none"}]}, "unknown_segment", "#/rule/any/1/segment"),
        ({"trait": "city", "op": "like", "value": "x"}, "invalid_rule", "#/rule/op"),
        ({"trait": "city", "op": "eq"}, "invalid_rule", "#/rule/value"),
        ({"trait": "city", "op": "gt", "value": "many"}, "invalid_rule", "#/rule/value"),
        ({"trait": "city", "op": "exists", "value": 1}, "invalid_rule", "#/rule/value"),
        ({"trait": "city", "op": "in", "value": ["a", None]}, "invalid_rule", "#/rule/value/1"),
        ({"trait": "age", "op": "between", "value": [7, 5]}, "invalid_rule", "#/rule/value"),
        ({"trait": "city", "op": "eq", "value": "x", "valeu": 1}, "unknown_field", "#/rule/valeu"),
        ({"trait": "born", "op": "before", "value": "soon"}, "invalid_rule", "#/rule/value"),
        ({"trait": "born", "op": "within_last", "value": "1 month"}, "invalid_rule", "#/rule/value"),
        ({**VIEWED, "op": "lk"}, "invalid_rule", "#/rule/op"),
        ({**VIEWED, "measure": "median"}, "invalid_rule", "#/rule/measure"),
        ({**VIEWED, "measure": "sum"}, "invalid_rule", "#/rule/property"),
        ({**VIEWED, "value": "many"}, "invalid_rule", "#/rule/value"),
        ({**VIEWED, "within": {"last": "30"}}, "invalid_rule", "#/rule/within/last"),
        ({**VIEWED, "within": {"last": "36h", "mode": "calendar"}}, "invalid_rule", "#/rule/within/last"),
        (
            {**VIEWED, "within": {"from": "2026-11-12", "until": "2026-11-11"}},
            "window_ends_before_start",
            "#/rule/within",
        ),
        (
            {**VIEWED, "where": [{"property": "a", "op": "within_last", "value": "1d"}]},
            "invalid_rule",
            "#/rule/where/0/op",
        ),
        ({**VIEWED, "currency": "CNY"}, "invalid_rule", "#/rule/currency"),
        ({"all": [CITY] * 101}, "invalid_rule", "#/rule/all"),
        ({"all": [{"any": [CITY] * 51}] * 2}, "rule_too_large", "#/rule"),
    ],
)
async def test_a_rule_that_can_not_be_evaluated_is_refused(segments: Any, rule: Any, code: str, pointer: str) -> None:
    assert await refused(segments, rule) == (code, pointer)


async def test_a_rule_too_deep_is_refused(segments: Any) -> None:
    rule: dict[str, Any] = CITY
    for _ in range(12):
        rule = {"not": rule}
    assert (await refused(segments, rule))[0] == "rule_too_deep"


async def test_a_segment_is_created_listed_and_read(segments: Any) -> None:
    created = await segments.post(
        "/v1/segments", {"name": "上海", "rule": {"all": [CITY, {"event": "Product Viewed"}]}}, 201
    )
    assert (created["status"], created["version"], created["count"]) == ("live", 1, 0)
    assert created["time_zone"] == "Asia/Shanghai"
    assert created["rule"]["all"][1] == {"event": "Product Viewed", "measure": "count", "op": "gte", "value": 1}
    await segments.segment(CITY, "two")
    first = await segments.get("/v1/segments", limit=1)
    second = await segments.get("/v1/segments", limit=1, cursor=first["next_cursor"])
    assert [one["name"] for page in (first, second) for one in page["data"]] == ["two", "上海"]
    assert await segments.get(f"/v1/segments/{created['id']}") == created
    await segments.get("/v1/segments/seg_none", 404)
    changed = await segments.messages("segment.changed")
    assert [one["status"] for one in changed if one["segment_id"] == created["id"]] == ["backfilling", "live"]


async def test_a_preview_counts_and_shows_some(segments: Any) -> None:
    for number in range(5):
        await segments.identify(f"c{number}", city="上海" if number else "北京")
    found = await segments.post("/v1/segments/preview", {"rule": CITY, "sample": 2})
    assert (found["count"], [one["customer_id"] for one in found["sample"]]) == (4, ["c1", "c2"])
    assert found["took_ms"] >= 0
    nobody = await segments.post("/v1/segments/preview", {"rule": CITY, "sample": 0})
    assert (nobody["count"], nobody["sample"]) == (4, [])


async def test_members_are_paged(segments: Any) -> None:
    city = await segments.segment(CITY)
    for number in range(5):
        await segments.identify(f"c{number}", city="上海")
    seen, cursor = [], None
    while True:
        page = await segments.get(f"/v1/segments/{city}/members", limit=2, **({"cursor": cursor} if cursor else {}))
        seen += [one["customer_id"] for one in page["data"]]
        cursor = page["next_cursor"]
        if not page["has_more"]:
            break
    assert seen == ["c4", "c3", "c2", "c1", "c0"]


async def test_membership_is_explained_leaf_by_leaf(segments: Any) -> None:
    rule = {"all": [CITY, {**VIEWED, "value": 2}, {"not": {"event": "Order Completed"}}]}
    segment = await segments.segment(rule)
    await segments.identify("c1", city="上海")
    await segments.track("c1", "Product Viewed")
    segments.clock.advance(timedelta(hours=2))
    await segments.track("c1", "Product Viewed")
    found = await segments.get(f"/v1/segments/{segment}/members/c1")
    assert found["member"] is True
    assert found["since"] == "2026-11-11T04:00:00Z"
    assert found["next_change_at"] == "2026-11-12T02:00:00Z"
    assert [(one["holds"], one["evidence"].get("events")) for one in found["because"]] == [
        (True, None),
        (True, 2),
        (False, 0),
    ]
    assert found["because"][0]["evidence"] == {"value": "上海"}
    assert found["because"][1]["next_change_at"] == "2026-11-12T02:00:00Z"
    await segments.identify("c2", city="北京")
    stranger = await segments.get(f"/v1/segments/{segment}/members/c2")
    assert (stranger["member"], stranger["since"], stranger["next_change_at"]) == (False, None, None)
    await segments.get(f"/v1/segments/{segment}/members/nobody", 404)


async def test_t11_segments_in_segments(segments: Any) -> None:
    city = await segments.segment(CITY, "city")
    active = await segments.segment({"all": [{"segment": city}, VIEWED]}, "active")
    others = await segments.segment({"not": {"segment": active}}, "others")
    await segments.identify("c1", city="上海")
    assert await segments.members(others) == ["c1"]
    await segments.track("c1", "Product Viewed")
    assert (await segments.members(active), await segments.members(others)) == (["c1"], [])
    segments.clock.advance(timedelta(days=1))
    await segments.tick()
    assert (await segments.members(active), await segments.members(others)) == ([], ["c1"])
    entered = [(one["segment_id"], one["cause"], one["at"]) for one in await segments.messages("segment.entered")]
    assert entered[-1] == (others, "time", "2026-11-12T02:00:00Z")
    await segments.audit()
    # A circle is refused, and so is taking away what others need.
    answer = await segments.http.patch(f"/v1/segments/{city}", json={"rule": {"any": [{"segment": others}, CITY]}})
    assert (answer.status_code, answer.json()["code"]) == (422, "rule_cycle")
    assert answer.json()["errors"][0]["pointer"] == "#/rule/any/0/segment"
    itself = await segments.http.patch(f"/v1/segments/{city}", json={"rule": {"segment": city}})
    assert itself.json()["code"] == "rule_cycle"
    used = await segments.http.delete(f"/v1/segments/{active}")
    assert (used.status_code, used.json()["code"], used.json()["referenced_by"]) == (409, "segment_in_use", [others])
    for one in (others, active):
        assert (await segments.http.delete(f"/v1/segments/{one}")).json()["status"] == "archived"
    assert [one["id"] for one in (await segments.get("/v1/segments"))["data"]] == [city]
    assert [one["id"] for one in (await segments.get("/v1/segments", status="archived"))["data"]] == [others, active]
    again = await segments.http.patch(f"/v1/segments/{active}", json={"name": "x"})
    assert (again.status_code, again.json()["code"]) == (409, "segment_archived")
    assert (await refused(segments, {"segment": active}))[0] == "unknown_segment"
    await segments.tick()
    await segments.audit()


async def test_t6_a_missing_trait_under_every_operator_and_its_negation(segments: Any) -> None:
    tests: dict[str, Any] = {
        "eq": "x", "in": ["x"], "gt": 1, "gte": 1, "lt": 1, "lte": 1, "between": [1, 2], "contains": "x",
        "starts_with": "x", "exists": None, "before": "2026-01-01", "after": "2026-01-01", "within_last": "1d",
        "ne": "x", "not_in": ["x"], "not_exists": None,
    }  # fmt: skip
    made = {}
    for op, value in tests.items():
        leaf = {"trait": "t", "op": op, **({} if value is None else {"value": value})}
        made[op] = (await segments.segment(leaf), await segments.segment({"not": leaf}))
    await segments.identify("c1", other=1)
    for op, (plain, negated) in made.items():
        holds = op in ("ne", "not_in", "not_exists")
        assert (await segments.members(plain) == ["c1"]) == holds, op
        assert (await segments.members(negated) == ["c1"]) == (not holds), op
    await segments.audit()


async def test_t7_zero_times_includes_whoever_was_never_seen_doing_it(segments: Any) -> None:
    await segments.identify("before", a=1)
    none = await segments.segment({"event": "Order Completed", "op": "eq", "value": 0, "within": {"last": "30d"}})
    few = await segments.segment({"event": "Order Completed", "op": "lt", "value": 2})
    await segments.identify("after", a=1)
    await segments.track("buyer", "Order Completed")
    assert await segments.members(none) == ["after", "before"]
    assert await segments.members(few) == ["after", "before", "buyer"]
    # Whoever is born by buying was never in "0 times": no entry that ends in the same instant.
    assert [one["customer_id"] for one in await segments.messages("segment.exited")] == []
    segments.clock.advance(timedelta(days=30))
    await segments.tick()
    assert await segments.members(none) == ["after", "before", "buyer"]
    await segments.audit()


async def test_t1_late_events_inside_and_outside_the_window(segments: Any) -> None:
    twice = await segments.segment({**VIEWED, "value": 2})
    now = segments.clock.now()
    await segments.track("c1", "Product Viewed", at=now - timedelta(hours=30))
    await segments.track("c1", "Product Viewed", at=now)
    assert await segments.members(twice) == []
    await segments.track("c1", "Product Viewed", at=now - timedelta(hours=23))
    assert await segments.members(twice) == ["c1"]
    segments.clock.advance(timedelta(hours=1))
    await segments.tick()
    assert await segments.members(twice) == []
    exited = await segments.messages("segment.exited")
    assert [one["at"] for one in exited] == ["2026-11-11T03:00:00Z"]
    await segments.audit()


async def test_t4_today_is_the_local_day(segments: Any) -> None:
    today = {"event": "Product Viewed", "within": {"last": "1d", "mode": "calendar"}}
    shanghai = await segments.segment(today, time_zone="Asia/Shanghai")
    new_york = await segments.segment(today, time_zone="America/New_York")
    await segments.track("c1", "Product Viewed")  # 10:00 on the 11th in Shanghai, 21:00 on the 10th in New York
    assert await segments.members(new_york) == ["c1"]
    segments.clock.advance(timedelta(hours=3))
    await segments.tick()
    assert (await segments.members(shanghai), await segments.members(new_york)) == (["c1"], [])
    segments.clock.advance(timedelta(hours=11))
    await segments.tick()
    assert await segments.members(shanghai) == []
    exited = {one["segment_id"]: one["at"] for one in await segments.messages("segment.exited")}
    assert exited == {new_york: "2026-11-11T05:00:00Z", shanghai: "2026-11-11T16:00:00Z"}


async def test_t8_values_are_settled_when_they_come_in(segments: Any) -> None:
    text = await segments.segment({"trait": "level", "op": "eq", "value": "VIP"})
    ten = await segments.segment({"trait": "age", "op": "eq", "value": "10"})
    phone = await segments.segment({"trait": "phone", "op": "eq", "value": "138 0013 8000"})
    await segments.identify("c1", level="ＶＩＰ", age=10, phone="+86-13800138000")
    await segments.identify("c2", level="vip", age="10", phone="008613800138001")
    assert await segments.members(text) == ["c1"]
    assert await segments.members(ten) == ["c1", "c2"]
    assert await segments.members(phone) == ["c1"]
    found = await segments.get("/v1/profiles", identifier="phone:+8613800138001")
    assert [one["customer_id"] for one in found["data"]] == ["c2"]
    await segments.audit()


async def test_t12_sums_are_whole_numbers_everywhere(segments: Any) -> None:
    exact = await segments.segment({"event": "Weighed", "measure": "sum", "property": "weight", "op": "eq", "value": 1})
    for number in range(10):
        await segments.track("c1", "Weighed", properties={"weight": 0.1})
        assert (await segments.members(exact) == ["c1"]) == (number == 9)
    assert await segments.preview(
        {"event": "Weighed", "measure": "sum", "property": "weight", "op": "eq", "value": 1}
    ) == ["c1"]
    huge = {"event": "Weighed", "measure": "sum", "property": "weight", "op": "gt", "value": 9_000_000_000_000}
    for _ in range(3):
        await segments.track("c2", "Weighed", properties={"weight": 9_000_000_000_000})
    assert await segments.preview(huge) == ["c2"]
    await segments.audit()


async def test_t13_names_that_differ_only_by_case_are_different(segments: Any) -> None:
    upper = await segments.segment({"event": "R", "op": "gte", "value": 1})
    lower = await segments.segment({"event": "r", "op": "gte", "value": 1})
    await segments.track("c1", "R")
    await segments.identify("c1", Key="A")
    assert (await segments.members(upper), await segments.members(lower)) == (["c1"], [])
    assert await segments.preview({"all": [{"event": "R"}, {"not": {"event": "r"}}]}) == ["c1"]
    assert await segments.preview({"trait": "key", "op": "exists"}) == []


async def test_amounts_are_compared_in_one_currency(segments: Any) -> None:
    rule = {"event": "Order Completed", "measure": "sum", "property": "total", "op": "gte", "value": 10_000}
    yuan, pounds = await segments.segment(rule), await segments.segment({**rule, "currency": "GBP"})
    await segments.track("c1", "Order Completed", properties={"total": 60, "currency": "GBP"})
    await segments.track("c1", "Order Completed", properties={"total": 70})
    assert (await segments.members(yuan), await segments.members(pounds)) == ([], [])
    await segments.track("c1", "Order Completed", properties={"total": 30})
    await segments.track("c2", "Order Completed", properties={"total": 100, "currency": "GBP"})
    assert (await segments.members(yuan), await segments.members(pounds)) == (["c1"], ["c2"])
    await segments.audit()
