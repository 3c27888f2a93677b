"""Three evaluators, one answer: incremental memberships, the SQL batch and the naive oracle, at every step of a random history.

Histories hold late, repeated and equal events, traits that come, change and go, amounts in two currencies, and clock jumps
over many flips at once.
"""

from datetime import datetime, timedelta
from typing import Any

from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st
from kit.segments_oracle import Person, members
from sqlalchemy import delete

from services.segments.base import Base

ZONES = ["Asia/Shanghai", "America/New_York"]
PEOPLE = ["c1", "c2", "c3"]
EVENTS = ["Order Completed", "Product Viewed"]
WINDOWS = st.one_of(
    st.none(),
    st.builds(lambda last: {"last": last, "mode": "rolling"}, st.sampled_from(["1h", "6h", "1d", "3d"])),
    st.builds(
        lambda last, today: {"last": last, "mode": "calendar", "include_today": today},
        st.sampled_from(["1d", "2d", "3d"]),
        st.booleans(),
    ),
    st.sampled_from(
        [
            {"from": "2026-11-10", "until": "2026-11-12"},
            {"from": "2026-11-11T01:00:00Z"},
            {"until": "2026-11-11T12:00:00+08:00"},
        ]
    ),
)
COMPARE = st.sampled_from(["eq", "ne", "gt", "gte", "lt", "lte"])
WHERE = st.sampled_from(
    [
        None,
        [{"property": "total", "op": "gt", "value": 500}],
        [{"property": "sku", "op": "in", "value": ["a", "7"]}],
        [{"property": "sku", "op": "ne", "value": "a"}],
        [{"property": "sku", "op": "not_exists"}, {"property": "total", "op": "lte", "value": 1000}],
        [{"property": "made", "op": "before", "value": "2026-11-11"}],
        [{"property": "made", "op": "after", "value": "2026-11-10"}],
    ]
)


def leaf(event: str, within: Any, where: Any, **rest: Any) -> dict[str, Any]:
    shown = {"event": event, "within": within, "where": where, **rest}
    return {name: value for name, value in shown.items() if value is not None}


def numeric(measure: str, name: str | None, values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """A leaf with a measured number."""
    one = st.builds(
        lambda event, within, where, op, value: leaf(
            event, within, where, measure=measure, property=name, op=op, value=value
        ),
        st.sampled_from(EVENTS), WINDOWS, WHERE, COMPARE, values,
    )  # fmt: skip
    two = st.builds(
        lambda event, within, a, b: leaf(
            event, within, None, measure=measure, property=name, op="between", value=sorted([a, b])
        ),
        st.sampled_from(EVENTS), WINDOWS, values, values,
    )  # fmt: skip
    return st.one_of(one, two)


EVENT_LEAVES = st.one_of(
    numeric("count", None, st.integers(0, 4)),
    numeric("sum", "total", st.sampled_from([0, 500, 1000, 2500])),
    numeric("avg", "total", st.sampled_from([500, 750, 1000])),
    numeric("min", "total", st.sampled_from([500, 1000])),
    numeric("max", "total", st.sampled_from([500, 1000])),
    numeric("sum", "weight", st.sampled_from([0.3, 0.6, -1.5])),
    numeric("distinct", "sku", st.integers(0, 3)),
    st.builds(
        lambda measure, within, op: leaf("Order Completed", within, None, measure=measure, property="total", op=op),
        st.sampled_from(["avg", "min", "max"]), WINDOWS, st.sampled_from(["exists", "not_exists"]),
    ),
    st.builds(
        lambda measure, event, within, op, value: leaf(
            event, within, None, measure=measure, property="sku", op=op, value=[value] if "in" in op else value
        ),
        st.sampled_from(["first", "last"]), st.sampled_from(EVENTS), WINDOWS,
        st.sampled_from(["eq", "ne", "in", "not_in", "starts_with"]), st.sampled_from(["a", "b", "7", 7]),
    ),
    st.builds(
        lambda measure, event, within, op: leaf(
            event, within, None, measure=measure, op=op[0], **({} if op[1] is None else {"value": op[1]})
        ),
        st.sampled_from(["first", "last"]), st.sampled_from(EVENTS), WINDOWS,
        st.sampled_from([
            ("before", "2026-11-11"), ("after", "2026-11-10"), ("after", "2026-11-11T03:30:00Z"),
            ("within_last", "6h"), ("within_last", "2d"), ("exists", None), ("not_exists", None),
        ]),
    ),
)  # fmt: skip
TRAIT_LEAVES = st.sampled_from(
    [
        {"trait": "city", "op": "eq", "value": "上海"},
        {"trait": "city", "op": "ne", "value": "上海"},
        {"trait": "city", "op": "in", "value": ["北京", "7"]},
        {"trait": "city", "op": "not_in", "value": ["上海", 7]},
        {"trait": "city", "op": "starts_with", "value": "上"},
        {"trait": "tags", "op": "contains", "value": "a"},
        {"trait": "city", "op": "contains", "value": "海"},
        {"trait": "score", "op": "gt", "value": 5},
        {"trait": "score", "op": "lte", "value": "5.5"},
        {"trait": "score", "op": "between", "value": [5, 7]},
        {"trait": "score", "op": "exists"},
        {"trait": "score", "op": "not_exists"},
        {"trait": "joined", "op": "before", "value": "2026-11-11"},
        {"trait": "joined", "op": "after", "value": "2026-11-10"},
        {"trait": "joined", "op": "after", "value": "2026-11-11T02:00:00+08:00"},
        {"trait": "joined", "op": "within_last", "value": "1d"},
        {"trait": "joined", "op": "within_last", "value": "6h"},
    ]
)
LEAVES = st.one_of(EVENT_LEAVES, EVENT_LEAVES, TRAIT_LEAVES)
RULES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.builds(lambda rules: {"all": rules}, st.lists(inner, min_size=1, max_size=3)),
        st.builds(lambda rules: {"any": rules}, st.lists(inner, min_size=1, max_size=3)),
        st.builds(lambda rule: {"not": rule}, inner),
    ),
    max_leaves=4,
)
TRAITS = st.fixed_dictionaries(
    {},
    optional={
        "city": st.sampled_from(["上海", "北京", "7", None]),
        "score": st.sampled_from([5, 5.5, "7", "x", None, True]),
        "tags": st.sampled_from([["a", "b"], ["ab"], "a", None]),
        "joined": st.sampled_from(["2026-11-10", "2026-11-11", "2026-11-12", "2026-11-10T20:00:00Z", "never", None]),
    },
)
PROPERTIES = st.fixed_dictionaries(
    {},
    optional={
        "total": st.sampled_from([0, 4.99, "5.00", 7.5, 10, 25]),
        "currency": st.sampled_from(["CNY", "USD"]),
        "sku": st.sampled_from(["a", "b", "7", 7]),
        "weight": st.sampled_from([0.1, 0.2, 0.3, -1.5]),
        "made": st.sampled_from(["2026-11-10", "2026-11-11T00:00:00+08:00", "2026-11-11"]),
    },
)
AGES = st.sampled_from([0, 0, 0, 1, 3600, 3600, 7200, 21600, 86400, 200000, 400000])
STEPS = st.lists(
    st.one_of(
        st.tuples(
            st.just("track"), st.sampled_from(PEOPLE), st.sampled_from(EVENTS), AGES, PROPERTIES, st.integers(0, 40)
        ),
        st.tuples(st.just("identify"), st.sampled_from(PEOPLE), TRAITS, AGES),
        st.tuples(st.just("wait"), st.sampled_from([1, 1799, 3600, 20000, 43200, 86400, 300000])),
    ),
    min_size=3,
    max_size=14,
)


class World:
    """The oracle's memory: what a person would write down, with message ids and times of traits."""

    def __init__(self) -> None:
        self.people: dict[str, Person] = {}
        self.seen: set[str] = set()
        self.trait_times: dict[tuple[str, str], datetime] = {}

    def track(self, who: str, event: str, at: datetime, properties: dict[str, Any], message_id: str) -> None:
        self.people.setdefault(who, Person())
        if message_id in self.seen:
            return
        self.seen.add(message_id)
        kept = dict(properties)
        if "total" in kept:
            kept["total"] = round(float(kept["total"]) * 100)
            kept.setdefault("currency", "CNY")
        self.people[who].events.append((event, at, kept))

    def identify(self, who: str, traits: dict[str, Any], at: datetime) -> None:
        person = self.people.setdefault(who, Person())
        for name, value in traits.items():
            if at >= self.trait_times.get((who, name), at):
                self.trait_times[who, name] = at
                person.traits[name] = value


async def wipe(segments: Any) -> None:
    async with segments.running.service.kit.db.write() as tx:
        for table in Base.metadata.sorted_tables:
            if table.name != "alembic_version":
                await tx.execute(delete(table))
    segments.clock.set(datetime.fromisoformat("2026-11-11T02:00:00+00:00"))


async def step(segments: Any, world: World, one: tuple[Any, ...], number: int) -> None:
    now = segments.clock.now()
    if one[0] == "wait":
        segments.clock.advance(seconds=one[1])
        await segments.tick()
    elif one[0] == "identify":
        at = now - timedelta(seconds=one[3])
        world.identify(one[1], one[2], at)
        body = {"userId": one[1], "traits": one[2], "timestamp": at.isoformat(), "messageId": f"i{number}"}
        await segments.post("/v1/identify", body)
    else:
        _, who, event, age, properties, serial = one
        at, message_id = now - timedelta(seconds=age), f"m{serial}"
        world.track(who, event, at, properties, message_id)
        body = {
            "userId": who,
            "event": event,
            "properties": properties,
            "timestamp": at.isoformat(),
            "messageId": message_id,
        }
        await segments.post("/v1/track", body)


async def agree(segments: Any, world: World, rules: dict[str, dict[str, Any]], zone: str) -> None:
    now = segments.clock.now()
    for segment, rule in rules.items():
        expected = sorted(members(rule, world.people, now, zone, rules))
        note(f"{now} {rule} -> {expected}")
        assert await segments.preview(rule, time_zone=zone) == expected, "batch differs"
        assert await segments.members(segment) == expected, "incremental differs"
        for who in world.people:
            explained = await segments.get(f"/v1/segments/{segment}/members/{who}")
            assert explained["member"] == (who in expected), "membership differs"


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(
    first=RULES, second=RULES, early=st.integers(0, 6), steps=STEPS, zone=st.sampled_from(ZONES), nested=st.booleans()
)
async def test_three_evaluators_agree(
    segments: Any, first: Any, second: Any, early: int, steps: list[Any], zone: str, nested: bool
) -> None:
    """One segment from the beginning, one created after some history; the second may refer to the first."""
    await wipe(segments)
    world = World()
    rules = {await segments.segment(first, time_zone=zone): first}
    if nested:
        second = {"any": [{"not": {"segment": next(iter(rules))}}, second]}
    for number, one in enumerate(steps):
        if number == early:
            rules[await segments.segment(second, time_zone=zone)] = second
            await agree(segments, world, rules, zone)
        await step(segments, world, one, number)
        await agree(segments, world, rules, zone)
    await segments.audit()
