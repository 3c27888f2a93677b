"""Who did it: anonymous people, users, and the one step by which an anonymous person becomes a user."""

import asyncio
from typing import Any

VIEWED = {"event": "Product Viewed", "op": "gte", "value": 2}


async def anonymous(segments: Any, name: str, event: str, number: int) -> None:
    await segments.post("/v1/track", {"anonymousId": name, "event": event, "messageId": f"{name}-{number}"})


async def test_an_anonymous_person_becomes_the_user_with_all_its_history(segments: Any) -> None:
    twice = await segments.segment(VIEWED)
    none = await segments.segment({"not": {"event": "Product Viewed"}}, "none")
    await segments.post("/v1/identify", {"anonymousId": "a1", "traits": {"city": "上海", "source": "ad"}})
    await anonymous(segments, "a1", "Product Viewed", 1)
    segments.clock.advance(seconds=5)
    await segments.post("/v1/identify", {"userId": "c1", "traits": {"city": "北京"}})
    await segments.track("c1", "Product Viewed")
    assert await segments.members(twice) == []
    await segments.post("/v1/identify", {"userId": "c1", "anonymousId": "a1", "traits": {"age": 30}})
    assert await segments.members(twice) == ["c1"]
    profile = await segments.get("/v1/profiles/c1")
    assert profile["traits"] == {"age": 30, "city": "北京", "source": "ad"}
    assert {"type": "anonymous_id", "value": "a1"} in profile["identifiers"]
    assert (profile["events"], len((await segments.get("/v1/profiles"))["data"])) == (5, 1)
    # From now on the anonymous id is the user's.
    await anonymous(segments, "a1", "Order Completed", 2)
    told = [event for pack in await segments.messages("events.tracked") for event in pack["events"]]
    assert told[-1]["customer_id"] == "c1"
    entered = await segments.messages("segment.entered")
    assert [(one["cause"], one["customer_id"]) for one in entered if one["segment_id"] == twice] == [("merge", "c1")]
    assert await segments.members(none) == []
    await segments.audit()


async def test_the_old_profile_leads_to_the_new_one(segments: Any) -> None:
    await anonymous(segments, "a1", "Product Viewed", 1)
    old = (await segments.get("/v1/profiles"))["data"][0]["id"]
    await segments.post("/v1/alias", {"previousId": "a1", "userId": "c1"})
    assert (await segments.get(f"/v1/profiles/{old}"))["customer_id"] == "c1"
    assert [one["event"] for one in (await segments.get(f"/v1/profiles/{old}/timeline"))["data"]] == [
        None,
        "Product Viewed",
    ]


async def test_the_loser_of_a_join_leaves_without_setting_anything_off(segments: Any) -> None:
    once = await segments.segment({"event": "Product Viewed"})
    await anonymous(segments, "a1", "Product Viewed", 1)
    assert len(await segments.members(once)) == 1
    await segments.post("/v1/alias", {"previousId": "a1", "userId": "c1"})
    assert await segments.members(once) == ["c1"]
    exited = await segments.messages("segment.exited")
    assert [(one["cause"], one["customer_id"]) for one in exited] == [("merge", None)]
    await segments.audit()


async def test_two_customers_on_one_device_stay_two(segments: Any) -> None:
    await segments.post("/v1/identify", {"userId": "c1", "anonymousId": "shared"})
    await segments.post("/v1/identify", {"userId": "c2", "anonymousId": "shared"})
    await segments.post("/v1/alias", {"previousId": "shared", "userId": "c2"})
    await segments.post("/v1/track", {"userId": "c2", "anonymousId": "shared", "event": "Product Viewed"})
    assert [one["customer_id"] for one in (await segments.get("/v1/profiles"))["data"]] == ["c2", "c1"]
    assert (await segments.get("/v1/profiles/c2"))["events"] == 3
    assert {"type": "anonymous_id", "value": "shared"} not in (await segments.get("/v1/profiles/c2"))["identifiers"]


async def test_one_batch_may_hold_the_whole_way(segments: Any) -> None:
    twice = await segments.segment(VIEWED)
    calls = [
        {"type": "track", "messageId": "m1", "anonymousId": "a1", "event": "Product Viewed"},
        {"type": "identify", "messageId": "m2", "anonymousId": "a1", "userId": "c1"},
        {"type": "track", "messageId": "m3", "userId": "c1", "event": "Product Viewed"},
    ]
    await segments.post("/v1/batch", {"batch": calls})
    assert await segments.members(twice) == ["c1"]
    assert len((await segments.get("/v1/profiles"))["data"]) == 1
    await segments.audit()


async def test_late_traits_do_not_win(segments: Any) -> None:
    now = segments.clock.now().isoformat()
    await segments.post("/v1/identify", {"userId": "c1", "traits": {"city": "new"}, "timestamp": now})
    await segments.post(
        "/v1/identify", {"userId": "c1", "traits": {"city": "old"}, "timestamp": "2026-01-01T00:00:00Z"}
    )
    await segments.post("/v1/identify", {"userId": "c1", "traits": {"city": None}, "timestamp": "2026-01-01T00:00:00Z"})
    assert (await segments.get("/v1/profiles/c1"))["traits"] == {"city": "new"}


async def test_concurrent_joins_of_one_device_end_in_one_profile(segments: Any) -> None:
    await anonymous(segments, "a1", "Product Viewed", 1)
    calls = [
        segments.post("/v1/identify", {"userId": f"c{number % 2}", "anonymousId": "a1", "messageId": f"i{number}"})
        for number in range(8)
    ]
    await asyncio.gather(*calls)
    people = (await segments.get("/v1/profiles"))["data"]
    assert sorted(one["customer_id"] for one in people) == ["c0", "c1"]
    events = [(await segments.get(f"/v1/profiles/c{number}"))["events"] for number in (0, 1)]
    assert sum(events) == 9
    await segments.audit()


async def test_people_are_found_by_what_they_are_known_by(segments: Any) -> None:
    await segments.identify("c1", phone="13800138000", email="Li@Example.COM")
    external = {"externalIds": [{"id": "wx1", "type": "wechat_openid", "collection": "users", "encoding": "none"}]}
    await segments.post("/v1/identify", {"userId": "c1", "context": external})
    for wanted in (
        "user_id:c1",
        "phone:+8613800138000",
        "phone:13800138000",
        "email:li@example.com",
        "wechat_openid:wx1",
    ):
        found = (await segments.get("/v1/profiles", identifier=wanted))["data"]
        assert [one["customer_id"] for one in found] == ["c1"], wanted
    assert (await segments.get("/v1/profiles", identifier="phone:1"))["data"] == []
    assert (await segments.get("/v1/profiles", 400, identifier="phone"))["code"] == "invalid_identifier"
    await segments.get("/v1/profiles/nobody", 404)


async def test_a_timeline_is_paged_by_time(segments: Any) -> None:
    now = segments.clock.now()
    for number in range(5):
        await segments.track("c1", f"e{number}", at=now.replace(hour=1, minute=number % 3))
    seen: list[str] = []
    cursor: dict[str, str] = {}
    while True:
        page = await segments.get("/v1/profiles/c1/timeline", limit=2, **cursor)
        seen += [one["event"] for one in page["data"]]
        if not page["has_more"]:
            break
        cursor = {"cursor": page["next_cursor"]}
    assert seen == ["e2", "e4", "e1", "e3", "e0"]
