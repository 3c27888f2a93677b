"""The audit names what was damaged behind the service's back."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from sqlalchemy import delete, insert, update

from services.segments.membership.models import Membership, MembershipLog, Segment
from services.segments.profiles.models import Trait
from shared.db import Transaction

CITY = {"trait": "city", "op": "eq", "value": "上海"}
STORED = {"membership_equals_log", "membership_equals_batch", "membership_equals_history"}


async def city(segments: Any) -> tuple[str, str]:
    """A segment with c1 in it and c2 not; its id, and the profile id of c1."""
    segment = await segments.segment(CITY)
    await segments.identify("c1", city="上海")
    await segments.identify("c2", city="北京")
    await segments.audit()
    return segment, (await segments.get("/v1/profiles/c1"))["id"]


@asynccontextmanager
async def damage(segments: Any) -> AsyncIterator[Transaction]:
    async with segments.running.service.kit.db.write() as tx:
        yield tx


async def broken(segments: Any) -> dict[str, list[dict[str, Any]]]:
    """The offending rows of each check that does not hold."""
    found = await segments.get("/v1/audit/segments")
    assert len(found["checks"]) == 4
    assert found["ok"] == all(check["ok"] for check in found["checks"])
    return {check["name"]: check["offending"] for check in found["checks"] if not check["ok"]}


async def test_a_lost_membership_is_named(segments: Any) -> None:
    segment, profile = await city(segments)
    async with damage(segments) as tx:
        await tx.run(delete(Membership.table))
        await tx.run(update(Segment.table).values(member_count=0))
    found = await broken(segments)
    assert found.keys() == STORED
    for rows in found.values():
        assert [(row["segment_id"], row["profile_id"], row["member"]) for row in rows] == [(segment, profile, False)]


async def test_a_made_up_membership_is_named(segments: Any) -> None:
    segment, _ = await city(segments)
    stranger = (await segments.get("/v1/profiles/c2"))["id"]
    async with damage(segments) as tx:
        await tx.run(insert(Membership.table).values(uid=2, segment_id=segment, since=0, version=1))
        await tx.run(update(Segment.table).values(member_count=2))
    found = await broken(segments)
    assert found.keys() == STORED
    for rows in found.values():
        assert [(row["segment_id"], row["profile_id"], row["member"]) for row in rows] == [(segment, stranger, True)]


async def test_a_wrong_counter_is_named(segments: Any) -> None:
    segment, _ = await city(segments)
    async with damage(segments) as tx:
        await tx.run(update(Segment.table).values(member_count=7))
    assert await broken(segments) == {"count_equals_rows": [{"segment_id": segment, "member_count": 7, "rows": 1}]}


async def test_a_log_that_tells_another_story_is_named(segments: Any) -> None:
    segment, profile = await city(segments)
    async with damage(segments) as tx:
        await tx.run(update(MembershipLog.table).values(change="exited"))
    found = await broken(segments)
    assert [(row["segment_id"], row["profile_id"]) for row in found["membership_equals_log"]] == [(segment, profile)]
    assert found.keys() == {"membership_equals_log"}


async def test_a_trait_that_changed_by_itself_is_named(segments: Any) -> None:
    segment, profile = await city(segments)
    async with damage(segments) as tx:
        await tx.run(update(Trait.table).values(value='"深圳"', text="深圳"))
    found = await broken(segments)
    assert found.keys() == STORED - {"membership_equals_log"}
    for rows in found.values():
        assert [(row["segment_id"], row["profile_id"], row["member"]) for row in rows] == [(segment, profile, True)]
