"""Three evaluators, one answer: incremental memberships, the SQL batch and the naive oracle, at every step of a random history.

Histories hold late, repeated and equal events, traits that come, change and go, amounts in two currencies, and clock jumps
over many flips at once. Times lie on a grid of half hours, so that the edges of windows are met exactly.
"""

from datetime import datetime, timedelta
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from kit.examples import examples
from kit.segments_oracle import Person, members
from kit.segments_rules import CATALOGUE, EVENTS, RULES
from sqlalchemy import delete, select, update

from services.segments.base import Base
from services.segments.membership.batch_repository import Batch
from services.segments.membership.models import Membership, Segment
from services.segments.membership.segment_repository import update_revision
from services.segments.profiles.models import Profile
from services.segments.rule_language.parser import parse_rule
from services.segments.rule_language.scalars import micros

ZONE = "Asia/Shanghai"
PEOPLE = ["c1", "c2", "c3"]

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
AGES = st.sampled_from([0, 0, 0, 1800, 3600, 5400, 21600, 86400, 90000, 259200, 400000])
STEPS = st.lists(
    st.one_of(
        st.tuples(
            st.just("track"), st.sampled_from(PEOPLE), st.sampled_from(EVENTS), AGES, PROPERTIES, st.integers(0, 60)
        ),
        st.tuples(st.just("identify"), st.sampled_from(PEOPLE), TRAITS, AGES),
        st.tuples(st.just("wait"), st.sampled_from([0.000001, 1800, 3600, 5400, 20000, 43200, 86400, 300000])),
    ),
    min_size=6,
    max_size=16,
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


async def catalogue(segments: Any) -> dict[str, str]:
    """The segments that stay through all examples, by id; made once."""
    if not hasattr(segments, "made"):
        segments.made = {
            await segments.segment(rule, f"r{n}", time_zone=ZONE): f"r{n}" for n, rule in enumerate(CATALOGUE)
        }
    return dict(segments.made)


async def forget_everybody(segments: Any) -> None:
    """Back to the beginning: the catalogue's segments, and nobody in them."""
    kept = list(segments.made)
    async with segments.running.service.kit.db.write() as tx:
        for table in Base.metadata.sorted_tables:
            if table.name in ("profile", "identifier", "trait", "event", "leaf_state", "membership", "membership_log"):
                await tx.execute(delete(table))
        await tx.execute(update(Segment.table).values(member_count=0))
        await tx.execute(update(Segment.table).where(Segment.c.id.not_in(kept)).values(status="archived"))
        await update_revision(tx)
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


async def memberships(segments: Any, ids: dict[str, str]) -> dict[str, list[str]]:
    """Incremental: who is in each segment, by its name."""
    found: dict[str, list[str]] = {name: [] for name in ids.values()}
    async with segments.running.service.kit.db.read() as tx:
        rows = select(Membership.c.segment_id, Profile.c.customer_id).join(
            Profile.table, Profile.c.uid == Membership.c.uid
        )
        for row in (await tx.execute(rows.order_by(Profile.c.customer_id))).all():
            found[ids[row.segment_id]].append(row.customer_id)
    return found


async def selected(segments: Any, rules: dict[str, Any]) -> dict[str, list[str]]:
    """Batch: whom each rule selects, by its name."""
    now = micros(segments.clock.now())
    found = {}
    async with segments.running.service.kit.db.read() as tx:
        for name, rule in rules.items():
            chosen = Batch(tx, now).members(parse_rule(rule, time_zone=ZONE, currency="CNY"))
            rows = select(Profile.c.customer_id).join(chosen, chosen.c.uid == Profile.c.uid)
            found[name] = list((await tx.execute(rows.order_by(Profile.c.customer_id))).scalars())
    return found


def expected(segments: Any, world: World, rules: dict[str, Any]) -> dict[str, list[str]]:
    """Naive: whom each rule holds for, by its name."""
    now = segments.clock.now()
    return {name: sorted(members(rule, world.people, now, ZONE, {})) for name, rule in rules.items()}


def unlike(rules: dict[str, Any], found: dict[str, list[str]], wanted: dict[str, list[str]]) -> list[Any]:
    return [(rules[name], found[name], wanted[name]) for name in wanted if found[name] != wanted[name]]


@settings(
    max_examples=examples(10),
    phases=[Phase.explicit, Phase.generate],  # a failing history is short enough; shrinking it takes minutes
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(drawn=st.lists(RULES, min_size=2, max_size=4), early=st.integers(0, 8), steps=STEPS)
async def test_three_evaluators_agree(segments: Any, drawn: list[Any], early: int, steps: list[Any]) -> None:
    """The catalogue's segments are there from the beginning; drawn rules are created when some history is known."""
    ids = await catalogue(segments)
    await forget_everybody(segments)
    world = World()
    rules = {f"r{number}": rule for number, rule in enumerate(CATALOGUE)}
    for number, one in enumerate(steps):
        if number == early:
            for serial, rule in enumerate(drawn):
                ids[await segments.segment(rule, f"d{serial}", time_zone=ZONE)] = f"d{serial}"
                rules[f"d{serial}"] = rule
        await step(segments, world, one, number)
        wanted = expected(segments, world, rules)
        assert unlike(rules, await memberships(segments, ids), wanted) == [], "the memberships differ"
        if number % 4 == 3:
            assert unlike(rules, await selected(segments, rules), wanted) == [], "the batch differs"
    assert unlike(rules, await selected(segments, rules), wanted) == [], "the batch differs"
    await segments.audit()
