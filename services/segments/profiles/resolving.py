"""Whose event is it? For a whole transaction at once: known people found, new ones created, anonymous ones joined.

The rule is simple and safe: an identify or alias that names both an anonymous and a user id joins the anonymous profile to
the user, once, if the anonymous id does not already belong to another customer. Two customers are never joined.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from services.segments.profiles import repository
from services.segments.profiles.repository import Person
from services.segments.profiles.rules import Key, anonymous_key, user_key
from shared.db import Transaction

_TRIES = 5


class Named(Protocol):
    """What resolving needs to know of an item; it sets `uid`."""

    @property
    def type(self) -> str:
        """identify, alias or another kind of call."""

    @property
    def user_id(self) -> str | None:
        """The customer whom it names."""

    @property
    def anonymous_id(self) -> str | None:
        """The device or browser that it comes from."""

    @property
    def previous_id(self) -> str | None:
        """The anonymous id that an alias joins to the user."""

    uid: int


@dataclass(slots=True)
class Resolved:
    """`people`: every profile concerned, held by this transaction. `created`: uids that are new. `joined`: anonymous uid →
    uid of the user that it now belongs to."""

    people: dict[int, Person]
    created: set[int] = field(default_factory=set)
    joined: dict[int, int] = field(default_factory=dict)


async def resolve(tx: Transaction, items: Sequence[Named], now: datetime) -> Resolved:
    """Give every item its uid. Identifiers and traits of joined profiles are moved; their events are the caller's."""
    wanted = _wanted(items)
    found = await repository.find_uids(tx, wanted)
    created: set[Key] = set()
    for _ in range(_TRIES):
        missing = _missing(items, found)
        if missing:
            await repository.insert_profiles(tx, missing, now)
            created |= missing
            found = await repository.find_uids(tx, wanted)
        links = {key: found[user_key(user)] for key, user in _links(items).items()}
        free = {key: uid for key, uid in links.items() if key not in found}
        if free:
            await repository.insert_identifiers(tx, free, now)
            found = await repository.find_uids(tx, wanted)
        people = await repository.lock(tx, set(found.values()))
        # Whoever was joined elsewhere while we waited for the lock is found again under the new profile.
        if people.keys() >= set(found.values()):
            break
        found = await repository.find_uids(tx, wanted)
    joined = {
        found[key]: uid for key, uid in links.items() if found[key] != uid and people[found[key]].customer_id is None
    }
    for loser, winner in joined.items():
        await repository.merge(tx, loser, winner)
    _assign(items, found, joined)
    return Resolved(people, {found[key] for key in created}, joined)


def _wanted(items: Iterable[Named]) -> set[Key]:
    wanted: set[Key] = set()
    for item in items:
        if item.user_id is not None:
            wanted.add(user_key(item.user_id))
        if item.anonymous_id is not None:
            wanted.add(anonymous_key(item.anonymous_id))
        if item.previous_id is not None:
            wanted.add(anonymous_key(item.previous_id))
    return wanted


def _links(items: Iterable[Named]) -> dict[Key, str]:
    """Anonymous ids that an identify or alias says belong to a user; the first to say so wins."""
    links: dict[Key, str] = {}
    for item in items:
        if item.user_id is None:
            continue
        if item.type == "identify" and item.anonymous_id is not None:
            links.setdefault(anonymous_key(item.anonymous_id), item.user_id)
        if item.type == "alias" and item.previous_id is not None:
            links.setdefault(anonymous_key(item.previous_id), item.user_id)
    return links


def _missing(items: Sequence[Named], found: dict[Key, int]) -> set[Key]:
    """Who has to be created: every user, and the anonymous ids that act alone and are linked to nobody."""
    linked = _links(items)
    missing: set[Key] = set()
    for item in items:
        if item.user_id is not None:
            missing.add(user_key(item.user_id))
        elif item.anonymous_id is not None and anonymous_key(item.anonymous_id) not in linked:
            missing.add(anonymous_key(item.anonymous_id))
    return missing - found.keys()


def _assign(items: Iterable[Named], found: dict[Key, int], joined: dict[int, int]) -> None:
    for item in items:
        key = user_key(item.user_id) if item.user_id is not None else anonymous_key(item.anonymous_id or "")
        uid = found[key]
        item.uid = joined.get(uid, uid)
