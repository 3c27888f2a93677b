"""Ingestion: the items of many requests in one transaction, from people over events to memberships and messages."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from services.segments.events import repository as events
from services.segments.events.rules import Item
from services.segments.membership.cache import RuleCache
from services.segments.membership.evaluating import Evaluation, Touched
from services.segments.membership.rule_set import RuleSet
from services.segments.membership.segment_repository import lock_shared
from services.segments.profiles import repository as profiles
from services.segments.profiles.repository import Person
from services.segments.profiles.resolving import Resolved, resolve
from services.segments.profiles.rules import contact_identifiers
from services.segments.rule_language.measures import contribution
from services.segments.rule_language.scalars import instant, micros, scalar
from services.segments.tracking import repository
from shared.batching import GroupCommit
from shared.contracts import EventsTracked, ProfileCreated, TrackedEvent
from shared.db import Transaction, json_dumps
from shared.service import Kit

_TOLD_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Request:
    """What one call brings: sound items, and rows for the dead letters."""

    items: list[Item]
    rejected: list[dict[str, Any]] = field(default_factory=list)


class Ingestion:
    """The one way in for events. `group` must be running."""

    def __init__(self, kit: Kit, cache: RuleCache, evaluation: Evaluation, max_requests: int) -> None:
        self._kit = kit
        self._cache = cache
        self._evaluation = evaluation
        self.group: GroupCommit[Request, frozenset[str]] = GroupCommit(
            "segments.ingest", kit.db, self._work, max_batch=max_requests
        )

    async def ingest(self, request: Request) -> frozenset[str]:
        """Store and evaluate; returns when all is durable. Answers the message ids that are new: the others are repeats."""
        return await self.group.submit(request)

    async def _work(self, tx: Transaction, requests: Sequence[Request]) -> Sequence[frozenset[str] | Exception]:
        await repository.insert_rejected(tx, [row for request in requests for row in request.rejected])
        fresh = await self._store(tx, [item for request in requests for item in request.items])
        answers = []
        for request in requests:
            mine = frozenset(item.message_id for item in request.items) & fresh
            fresh -= mine  # a repeat in another request of this batch is a repeat
            answers.append(mine)
        return answers

    async def _store(self, tx: Transaction, items: Sequence[Item]) -> set[str]:
        items = _once(items)
        if not items:
            return set()
        await lock_shared(tx)
        rules = await self._cache.current(tx)
        now = self._kit.clock.now()
        resolved = await resolve(tx, items, now)
        await events.update_owners(tx, resolved.joined)
        stored = await events.insert_events(tx, items)
        fresh = [item for item in items if item.message_id in stored.fresh]
        touched = _touched(rules, fresh, resolved)
        touched.displace(stored.displaced)
        resolved.people |= await profiles.lock(tx, stored.displaced - resolved.people.keys())
        touched.traits = await _keep_traits(tx, fresh)
        await _keep_contacts(tx, fresh, now)
        await self._publish(tx, fresh, resolved)
        await self._evaluation.apply(tx, rules, micros(now), touched, resolved.people)
        return stored.fresh

    async def _publish(self, tx: Transaction, fresh: Sequence[Item], resolved: Resolved) -> None:
        born = [resolved.people[uid] for uid in sorted(resolved.created)]
        outbox = self._kit.outbox
        await outbox.publish(tx, [ProfileCreated(profile_id=one.id, customer_id=one.customer_id) for one in born])
        told = [_tracked(item, resolved.people[item.uid]) for item in fresh]
        packs = [told[start : start + _TOLD_AT_ONCE] for start in range(0, len(told), _TOLD_AT_ONCE)]
        await outbox.publish(tx, [EventsTracked.model_construct(events=tuple(pack)) for pack in packs])


def _once(items: Sequence[Item]) -> list[Item]:
    """The first of each message id, the merchant's before a shopper's. (That a completed order counts once is a unique key's
    to say.)"""
    first: dict[str, Item] = {}
    for item in items:
        if item.vouched and not first.get(item.message_id, item).vouched:
            first[item.message_id] = item
        first.setdefault(item.message_id, item)
    return list(first.values())


def _touched(rules: RuleSet, fresh: Sequence[Item], resolved: Resolved) -> Touched:
    """What the new events mean to the leaves that are indexed under their names."""
    touched = Touched(
        uids={item.uid for item in fresh} | set(resolved.joined.values()),
        created=set(resolved.created),
        rebuilt=dict.fromkeys(resolved.joined.values(), "merge"),
        gone=set(resolved.joined),
    )
    for item in fresh:
        if not item.history:
            touched.causes[item.uid] = "event"
        else:
            touched.causes.setdefault(item.uid, "import")
        for leaf in rules.by_event.get(item.name, ()) if item.name is not None else ():
            if rules.covers(leaf.id, item.uid):
                one = contribution(leaf, item.ts, item.facts)
                if one is not None:
                    touched.contributions.setdefault((item.uid, leaf.id), []).append(one)
    return touched


async def _keep_traits(tx: Transaction, fresh: Sequence[Item]) -> set[tuple[int, str]]:
    """Traits that were told, the merchant's before shoppers' and the newest by its own time; answers what may have changed."""
    newest: dict[tuple[int, str], Item] = {}
    for item in fresh:
        for name in item.traits if item.tells_traits else ():
            known = newest.get((item.uid, name), item)
            if (item.vouched, item.ts) >= (known.vouched, known.ts):
                newest[item.uid, name] = item
    await profiles.update_traits(tx, [_trait_row(uid, name, item) for (uid, name), item in newest.items()])
    return set(newest)


def _trait_row(uid: int, name: str, item: Item) -> dict[str, Any]:
    """A row of the trait table; null clears."""
    value = item.traits[name]
    forms = scalar(value, name)
    return {
        "uid": uid,
        "name": name,
        "value": None if value is None else json_dumps(value),
        "text": forms.text,
        "number": forms.number,
        "moment": forms.moment,
        "day": forms.day,
        "at": item.ts,
        "vouched": item.vouched,
    }


async def _keep_contacts(tx: Transaction, fresh: Sequence[Item], now: datetime) -> None:
    for vouched in (True, False):
        links = {
            key: item.uid
            for item in fresh
            if item.tells_traits and item.vouched == vouched
            for key in contact_identifiers(item.traits, item.external_ids)
        }
        if vouched:
            await profiles.delete_unvouched(tx, links)
        await profiles.insert_identifiers(tx, links, now, vouched=vouched)


def _tracked(item: Item, person: Person) -> TrackedEvent:
    # Built without validation: everything in it was validated on the way in.
    return TrackedEvent.model_construct(
        message_id=item.message_id,
        type=item.type,
        event=item.name,
        customer_id=person.customer_id,
        anonymous_id=item.anonymous_id,
        timestamp=instant(item.ts),
        received_at=instant(item.received_at),
        properties=item.properties,
        traits=item.traits,
        history=item.history,
        vouched=item.vouched,
    )
