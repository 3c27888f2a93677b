"""Random lives of key families, by everybody who holds a key, the honest and the thieves. After each step: no living key has a
right, an address, a limit or a life that its maker's lineage lacks."""

import asyncio
from collections.abc import Awaitable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from typing import Any

import httpx
import pytest
from conftest import Backend
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from kit.alone import START, Alone
from kit.examples import walk
from kit.gateway import ADMIN_KEY, Suite
from kit.upstream import FakePart
from sqlalchemy import select

from gateway.app import create_gateway
from gateway.forwarding.embedded import AsgiForwarder
from gateway.keys.models import ApiKey
from gateway.settings import GatewaySettings
from shared.clock import ManualClock

NEVER = datetime.max.replace(tzinfo=UTC)
HOME = "203.0.113.7"
MAKES = ["gateway:keys:*", "segments:events:write"]
which = st.integers(0, 30)
wishes = st.fixed_dictionaries(
    {
        "kind": st.sampled_from(["restricted", "restricted", "secret", "partner", "publishable"]),
        "scopes": st.sampled_from([MAKES, MAKES, MAKES, ["segments:events:write"], ["*"]]),
        "allowed_ips": st.sampled_from([[], [], ["203.0.113.0/24"], ["203.0.112.0/22"], ["203.0.113.7"]]),
        "minutes": st.sampled_from([None, None, 1, 30, 900]),
    },
    optional={
        "limits": st.sampled_from([{"requests": 10**5}, {"requests": 10**6}]),
        "shop_id": st.just("shopA"),
    },
)


@dataclass
class Held:
    """A key in somebody's hand, and the key with which they got hold of it."""

    id: str
    key: str
    got_with: str


class World:
    """One running gateway for all examples; each has a family of its own below the administrator's key."""

    def __init__(self, backend: Backend) -> None:
        self.clock = ManualClock(START)
        part = FakePart()
        settings = backend.settings(GatewaySettings, admin_key=ADMIN_KEY, failures_per_minute=10**6)
        parts = {"coupon": AsgiForwarder(part), "segments": AsgiForwarder(part)}
        self.alone = Alone(
            backend, lambda own, bus, clock: create_gateway(own, bus, clock, parts), settings, self.clock
        )
        self.suite = Suite(self.alone.running, {"coupon": part})

    def close(self) -> None:
        for client in self.suite.clients:
            self.alone.run(client.aclose())
        self.alone.close()


class Families(RuleBasedStateMachine):
    """Whoever holds a key tries what comes to their mind; refusals are as welcome as successes."""

    world: World

    @initialize()
    def a_partner(self) -> None:
        self.held = [Held("key_admin", ADMIN_KEY, "key_admin")]
        self.spared: set[str] = set()
        self.rows, self.counted = self.run(self._read())
        bounds = {"allowed_ips": ["203.0.113.0/24"], "minutes": 600, "limits": {"requests": 10**5}}
        for wish in ({"kind": "secret"}, {"kind": "secret", **bounds}, {"kind": "partner", "scopes": MAKES, **bounds}):
            self.keep(self.run(self.calling(self.held[0]).post("/v1/keys", json=self.wanted(wish))), self.held[0])
        self.rows, self.counted = self.run(self._read())

    def run(self, work: Awaitable[Any]) -> Any:
        async def all_of_it() -> Any:
            return await work

        return self.world.alone.run(all_of_it())

    def by(self, number: int) -> Held:
        """Somebody who can make keys, or else the administrator."""
        now = self.world.clock.now()
        able = [
            one
            for one in self.held
            for row in [self.rows[one.id]]
            if row.revoked_at is None and self.end_of(row) > now and {"*", "gateway:keys:*"} & set(row.scopes)
        ]
        return able[number % len(able)]

    def victim(self, number: int) -> Held:
        """A key to rotate or to revoke: any but the administrator's, which the other examples need as well."""
        return self.held[1 + number % (len(self.held) - 1)]

    def calling(self, one: Held) -> httpx.AsyncClient:
        return self.world.suite.client(one.key, HOME)

    def keep(self, answer: httpx.Response, holder: Held, *, alone: bool = True) -> None:
        """Remember a new key. Nothing that anybody may try is an error of the gateway's."""
        assert answer.status_code in (201, 204, 401, 403, 404, 409, 422), answer.text
        if answer.status_code == 201:
            made = answer.json()
            self.held.append(Held(made["id"], made["key"], holder.id))
            if alone:
                end = made["expires_at"]
                assert (datetime.fromisoformat(end) if end else NEVER) <= self.end_of(self.rows[holder.id])

    def wanted(self, wish: dict[str, Any]) -> dict[str, Any]:
        body = {"name": "x", **wish}
        if minutes := body.pop("minutes", None):
            body["expires_at"] = (self.world.clock.now() + timedelta(minutes=minutes)).isoformat()
        return body

    @rule(caller=which, wish=wishes, other=wishes)
    def create(self, caller: int, wish: dict[str, Any], other: dict[str, Any]) -> None:
        holder = self.by(caller)
        for one in (wish, other):
            self.keep(self.run(self.calling(holder).post("/v1/keys", json=self.wanted(one))), holder)

    @rule(caller=which, number=which, overlap=st.sampled_from([0, 60, 3600]))
    def rotate(self, caller: int, number: int, overlap: int) -> None:
        holder = self.by(caller)
        self.keep(self.run(self._rotation(holder, self.victim(number), overlap)), holder)

    @rule(caller=which)
    def rotate_itself(self, caller: int) -> None:
        holder = self.by(caller)
        if holder.id != "key_admin":
            self.keep(self.run(self._rotation(holder, holder, 3600)), holder)

    def _rotation(self, holder: Held, victim: Held, overlap: int = 60) -> Awaitable[httpx.Response]:
        return self.calling(holder).post(f"/v1/keys/{victim.id}/rotate", json={"overlap_seconds": overlap})

    @rule(caller=which, number=which, keep_made=st.booleans())
    def revoke(self, caller: int, number: int, keep_made: bool) -> None:
        holder = self.by(caller)
        self.keep(self.run(self._revocation(holder, self.victim(number), keep_made)), holder)

    def _revocation(self, holder: Held, victim: Held, keep_made: bool = False) -> Awaitable[httpx.Response]:
        if keep_made:
            self.spared.add(self.rows[victim.id].lineage_id)
        return self.calling(holder).delete(f"/v1/keys/{victim.id}", params={"keep_made": keep_made})

    @rule(number=which, thief=which, keep_made=st.booleans())
    def all_at_once(self, number: int, thief: int, keep_made: bool) -> None:
        """A key is revoked while it makes keys and rotates itself and another."""
        victim, other, body = self.victim(number), self.victim(thief), self.wanted({"scopes": MAKES})

        async def together() -> list[tuple[httpx.Response, Held]]:
            calls = [
                (victim, self.calling(victim).post("/v1/keys", json=body)),
                (self.held[0], self._revocation(self.held[0], victim, keep_made)),
                (victim, self._rotation(victim, victim)),
                (victim, self._rotation(victim, other)),
                (other, self.calling(other).post("/v1/keys", json=body)),
                (other, self._revocation(other, victim)),
            ]
            answers = await asyncio.gather(*(call for _, call in calls))
            return [(answer, holder) for answer, (holder, _) in zip(answers, calls, strict=True)]

        for answer, holder in self.run(together()):
            self.keep(answer, holder, alone=False)

    @rule(minutes=st.sampled_from([1, 31, 120]))
    def time_passes(self, minutes: int) -> None:
        self.world.clock.advance(seconds=60 * minutes)

    @invariant()
    def nobody_escapes(self) -> None:
        self.rows, self.counted = self.run(self._read())
        now = self.world.clock.now()
        for one in self.held[1:]:
            key = self.rows[one.id]
            if key.revoked_at is None and self.end_of(key) > now:
                maker = self.rows[key.maker_id or "none: each key but the administrator's was made with one"]
                self.has_no_more_than(key, maker)
                self.ends_with(key, self.rows[one.got_with].lineage_id)
        for one in self.held[-3:]:
            answer = self.run(self.calling(one).get("/v1/keys/none"))
            key = self.rows[one.id]
            welcome = key.revoked_at is None and self.end_of(key) > now and _inside(HOME, key.allowed_ips)
            assert (answer.status_code != 401) is welcome, (one.id, answer.text)

    def has_no_more_than(self, key: ApiKey, maker: ApiKey) -> None:
        assert maker.revoked_at is None, f"{key.id} outlives {maker.id}"
        assert self.last_of(maker.lineage_id) >= self.end_of(key)
        assert all(any(_covers(mine, one) for mine in maker.scopes) for one in key.scopes)
        assert maker.shop_id in (None, key.shop_id)
        assert not maker.allowed_ips or key.allowed_ips
        assert all(_inside(one, maker.allowed_ips) for one in key.allowed_ips)
        assert maker.kind == "secret" or maker.owner_id == key.owner_id
        if maker.limits or maker.kind != "secret":
            assert self.counted[maker.id] <= self.counted[key.id], "its calls count in its maker's buckets"

    def ends_with(self, key: ApiKey, lineage: str) -> None:
        """What a thief got hold of is gone once the stolen key's lineage is, unless the merchant spared it."""
        if lineage not in self.spared:
            assert self.last_of(lineage) >= self.end_of(key)

    def last_of(self, lineage: str) -> datetime:
        """When the last key of a lineage ends; long ago when all are revoked."""
        living = [row for row in self.rows.values() if row.lineage_id == lineage and row.revoked_at is None]
        return max(map(self.end_of, living), default=START)

    def end_of(self, key: ApiKey) -> datetime:
        return key.expires_at or NEVER

    async def _read(self) -> tuple[dict[str, ApiKey], dict[str, set[str]]]:
        """This example's keys and the administrator's, and where the door counts each."""
        gateway, mine = self.world.suite.gateway, {one.id for one in self.held}
        async with gateway.kit.db.read() as tx:
            rows = [row for row in await tx.rows(ApiKey, select(ApiKey.table)) if row.id in mine]
        await gateway.keys.cache.refresh()
        known = gateway.keys.cache._keys
        counted = {
            row.id: {bucket.id.removesuffix(":public") for bucket in known[row.digest].buckets}
            for row in rows
            if row.digest in known
        }
        return {row.id: row for row in rows}, counted


def _covers(granted: str, wanted: str) -> bool:
    pairs = zip(
        (granted if granted != "*" else "*:*:*").split(":"),
        (wanted if wanted != "*" else "*:*:*").split(":"),
        strict=True,
    )
    return all(mine in ("*", theirs) for mine, theirs in pairs)


def _inside(text: str, networks: list[str]) -> bool:
    """Each of its addresses, looked at one by one."""
    known = [ip_network(one) for one in networks]
    return not known or all(any(address in one for one in known) for address in ip_network(text))


@pytest.fixture
def world(backend: Backend) -> Iterator[World]:
    made = World(backend)
    yield made
    made.close()


def test_no_family_ever_escapes(world: World, backend: Backend) -> None:
    walk(Families, lives=16 if backend.dialect == "sqlite" else 4, steps=20, world=world)
