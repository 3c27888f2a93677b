"""The SQL batch against the naive oracle: many random rules over one small town of people."""

import random
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from kit.examples import examples
from kit.segments_oracle import Person, members
from kit.segments_rules import BY_MEASURE, EVENTS, RULES, TRAIT_LEAVES
from sqlalchemy import select

from services.segments.membership.batch_repository import Batch
from services.segments.profiles.models import Profile
from services.segments.rule_language.parser import parse_rule
from services.segments.rule_language.scalars import micros

ZONE = "Asia/Shanghai"
KINDS = {**BY_MEASURE, "trait": TRAIT_LEAVES, "tree": RULES}
TOTALS = [0, 4.99, "5.00", 7.5, 10, 25]
CITIES = ["上海", "北京", "7", None]
SCORES = [5, 5.5, "7", "x", None, True]
TAGS = [["a", "b"], ["ab"], "a", None]
JOINED = ["2026-11-10", "2026-11-11", "2026-11-12", "2026-11-10T20:00:00Z", "2026-11-10T18:00:00Z", "never", None]


def town(now: Any) -> tuple[dict[str, Person], list[dict[str, Any]]]:
    """Forty people as the oracle knows them, and the calls that tell of them. Times and values coincide often."""
    chance = random.Random(7)  # noqa: S311 - the same town every time
    people: dict[str, Person] = {}
    calls: list[dict[str, Any]] = []
    for number in range(40):
        name = f"p{number:02}"
        who = people[name] = Person()
        traits = {"city": chance.choice(CITIES), "score": chance.choice(SCORES), "tags": chance.choice(TAGS)}
        traits["joined"] = chance.choice(JOINED)
        who.traits = traits
        calls.append({"type": "identify", "userId": name, "traits": traits})
        for _ in range(chance.choice([0, 1, 2, 4, 8])):
            at = now - timedelta(minutes=30) * chance.choice([0, 1, 2, 12, 20, 36, 48, 60, 96, 144, 200])
            given_now = {
                "total": chance.choice(TOTALS),
                "currency": chance.choice(["CNY", "CNY", "USD"]),
                "sku": chance.choice(["a", "b", "7", 7]),
                "weight": chance.choice([0.1, 0.2, 0.3, -1.5]),
                "made": chance.choice(["2026-11-10", "2026-11-11T00:00:00+08:00", "2026-11-11"]),
            }
            properties = {key: value for key, value in given_now.items() if chance.random() < 0.7}
            event = chance.choice(EVENTS)
            calls.append(
                {"type": "track", "userId": name, "event": event, "properties": properties, "timestamp": at.isoformat()}
            )
            stored: dict[str, Any] = dict(properties)
            if "total" in stored:
                stored["total"] = round(float(stored["total"]) * 100)
                stored.setdefault("currency", "CNY")
            who.events.append((event, at, stored))
    return people, calls


@pytest.mark.parametrize("kind", KINDS)
@settings(
    max_examples=examples(12),
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(data=st.data())
async def test_the_batch_selects_whom_the_oracle_selects(segments: Any, kind: str, data: st.DataObject) -> None:
    now = segments.clock.now()
    if not hasattr(segments, "people"):
        segments.people, calls = town(now)
        await segments.post("/v1/batch", {"batch": calls})
    rules = data.draw(st.lists(KINDS[kind], min_size=12, max_size=12))
    async with segments.running.service.kit.db.read() as tx:
        for rule in rules:
            chosen = Batch(tx, micros(now)).members(parse_rule(rule, time_zone=ZONE, currency="CNY"))
            rows = select(Profile.c.customer_id).join(chosen, chosen.c.uid == Profile.c.uid)
            found = sorted((await tx.execute(rows)).scalars())
            assert found == sorted(members(rule, segments.people, now, ZONE, {})), rule
