"""Families of keys: what is made with a key never has more than it, counts against it, and ends with it."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from api.gateway.keykit import THING, made_with, rotated, status_of
from kit.gateway import Suite

from gateway.keys import repository
from shared.clock import ManualClock
from shared.db import as_dict

MOTHER = {"kind": "partner", "scopes": ["gateway:keys:*", "coupon:things:*"]}


async def test_a_child_has_the_addresses_and_the_end_of_its_maker(suite: Suite, clock: ManualClock) -> None:
    end = (clock.now() + timedelta(hours=1)).isoformat()
    mother = await made_with(suite, None, **MOTHER, allowed_ips=["203.0.113.0/24", "2001:db8::/32"], expires_at=end)
    child = await made_with(suite, mother, **THING)
    assert child["allowed_ips"] == mother["allowed_ips"]
    assert child["expires_at"] == mother["expires_at"]
    assert (child["maker_id"], child["owner_id"]) == (mother["id"], mother["owner_id"])
    narrow = await made_with(suite, mother, **THING, allowed_ips=["203.0.113.7", "2001:db8:1::/48"])
    assert narrow["allowed_ips"] == ["203.0.113.7/32", "2001:db8:1::/48"]
    assert await status_of(suite, narrow["key"], "203.0.113.7") == 200
    assert await status_of(suite, narrow["key"], "203.0.113.8") == 401
    for beyond in ("203.0.112.0/23", "0.0.0.0/0", "198.51.100.7", "2001:db9::/32", "::/0", "::ffff:203.0.113.7"):
        answer = await suite.client(mother["key"], "203.0.113.7").post(
            "/v1/keys", json={"name": "x", **THING, "allowed_ips": ["203.0.113.1", beyond]}
        )
        assert (answer.status_code, answer.json()["code"]) == (403, "addresses_exceed_own")
        assert len(answer.json()["allowed_ips"]) == 1, "the one that is wrong is named"


async def test_secret_keys_with_bounds_hand_on_no_more_than_they_have(suite: Suite, clock: ManualClock) -> None:
    end = (clock.now() + timedelta(hours=1)).isoformat()
    bounds = {"allowed_ips": ["203.0.113.0/24"], "expires_at": end}
    secret = await made_with(suite, None, kind="secret", **bounds)
    own = suite.client(secret["key"], "203.0.113.1")
    partner = (await own.post("/v1/keys", json={"name": "p", **MOTHER})).json()
    assert (partner["allowed_ips"], partner["expires_at"]) == (secret["allowed_ips"], secret["expires_at"])
    taken = await own.post("/v1/keys/key_admin/rotate")
    assert (taken.status_code, taken.json()["code"]) == (403, "not_its_maker")


async def test_revoking_a_key_ends_all_that_was_made_with_it(suite: Suite) -> None:
    mother = await made_with(suite, None, **MOTHER)
    child = await made_with(suite, mother, **THING | {"scopes": MOTHER["scopes"]})
    fresh = await rotated(suite, child)
    grandchild = await made_with(suite, fresh, **THING)
    stranger = await made_with(suite, None, **MOTHER)
    family = (mother, child, fresh, grandchild)
    assert [await status_of(suite, one["key"]) for one in (*family, stranger)] == [200] * 5
    assert (await suite.client().delete(f"/v1/keys/{mother['id']}")).status_code == 204
    assert [await status_of(suite, one["key"]) for one in (*family, stranger)] == [401] * 4 + [200]
    shown = [(await suite.client().get(f"/v1/keys/{one['id']}")).json()["status"] for one in family]
    assert shown == ["revoked"] * 4
    (entry, *_) = (await suite.client().get("/v1/audit-log", params={"object_id": mother["id"]})).json()["data"]
    assert (entry["action"], entry["detail"]) == ("key.revoke", {"keys": 4})


async def test_what_another_replica_revoked_takes_its_family_along_within_a_round(
    suite: Suite, clock: ManualClock
) -> None:
    mother = await made_with(suite, None, **MOTHER)
    child = await made_with(suite, mother, **THING)
    assert await status_of(suite, child["key"]) == 200
    clock.advance(seconds=1)
    async with suite.gateway.kit.db.write() as tx:  # as another process would: past this one's memory
        row = await repository.find(tx, mother["id"])
        assert row is not None
        ending = await repository.lock_ending(tx, repository.ending_with(row))
        await repository.revoke(tx, [one.id for one in ending], clock.now())
    await suite.gateway.keys.cache.refresh()
    assert await status_of(suite, child["key"]) == 401


async def test_a_rotated_key_ends_alone_and_with_what_was_made_with_it(suite: Suite) -> None:
    old = await made_with(suite, None, **MOTHER)
    before = await made_with(suite, old, **THING)
    new = await rotated(suite, old)
    after = await made_with(suite, new, **THING)
    assert (await suite.client(old["key"]).delete(f"/v1/keys/{new['id']}")).json()["code"] == "own_key"
    assert (await suite.client().delete(f"/v1/keys/{old['id']}")).status_code == 204
    assert [await status_of(suite, one["key"]) for one in (old, before, new, after)] == [401, 401, 200, 200]


async def test_the_last_of_a_lineage_takes_its_predecessors_along(suite: Suite) -> None:
    old = await made_with(suite, None, **MOTHER)
    child = await made_with(suite, old, **THING)
    new = await rotated(suite, old)
    assert (await suite.client().delete(f"/v1/keys/{new['id']}")).status_code == 204
    assert [await status_of(suite, one["key"]) for one in (old, new, child)] == [401] * 3


async def test_the_merchant_may_keep_what_was_made(suite: Suite) -> None:
    mother = await made_with(suite, None, **MOTHER)
    child = await made_with(suite, mother, **THING | {"scopes": MOTHER["scopes"]})
    grandchild = await made_with(suite, child, **THING)
    own = suite.client(mother["key"])
    refused = await own.delete(f"/v1/keys/{child['id']}", params={"keep_made": True})
    assert (refused.status_code, refused.json()["code"]) == (403, "kind_not_allowed")
    path = f"/v1/keys/{mother['id']}"
    assert (await suite.client().delete(path, params={"keep_made": True})).status_code == 204
    assert [await status_of(suite, one["key"]) for one in (mother, child, grandchild)] == [401, 200, 200]
    kept = (await suite.client().get(f"/v1/keys/{child['id']}")).json()
    assert (kept["maker_id"], kept["created_by"]) == ("key_admin", mother["id"])


async def test_kept_keys_of_a_rotated_one_stay_in_its_lineage(suite: Suite) -> None:
    old = await made_with(suite, None, **MOTHER, limits={"requests": 9})
    child = await made_with(suite, old, **THING)
    new = await rotated(suite, old)
    await suite.client().delete(f"/v1/keys/{old['id']}", params={"keep_made": True})
    assert (await suite.client().get(f"/v1/keys/{child['id']}")).json()["maker_id"] == new["id"]
    assert (await suite.client(child["key"]).get("/v1/things/1")).headers["ratelimit-policy"] == '"key";q=9;w=60'


async def test_kept_keys_go_to_the_last_of_a_lineage_not_to_one_that_ended(suite: Suite) -> None:
    old = await made_with(suite, None, **MOTHER)
    child = await made_with(suite, old, **THING)
    new = await rotated(suite, old)
    last = await rotated(suite, new)
    await suite.client().delete(f"/v1/keys/{new['id']}")
    await suite.client().delete(f"/v1/keys/{old['id']}", params={"keep_made": True})
    assert (await suite.client().get(f"/v1/keys/{child['id']}")).json()["maker_id"] == last["id"]
    await suite.client().delete(f"/v1/keys/{last['id']}")
    assert await status_of(suite, child["key"]) == 401


async def test_nobody_ends_the_ground_they_stand_on(suite: Suite) -> None:
    secret = await made_with(suite, None, kind="secret")
    own = suite.client(secret["key"])
    for path in ("/v1/keys/key_admin", f"/v1/keys/{secret['id']}"):
        assert (await own.delete(path)).json()["code"] == "own_key"
    assert await status_of(suite, secret["key"]) == 200


@pytest.mark.parametrize("overlap", [0, 3600])
async def test_a_key_that_was_rotated_takes_nothing_over(suite: Suite, clock: ManualClock, overlap: int) -> None:
    """It may have been rotated because somebody stole it."""
    old = await made_with(suite, None, **MOTHER)
    child = await made_with(suite, old, **THING)
    new = await rotated(suite, old, overlap)
    thief = suite.client(old["key"])
    for target in (new, child):
        answer = await thief.post(f"/v1/keys/{target['id']}/rotate")
        expected = (403, "outlives_its_maker") if overlap else (401, "key_invalid")
        assert (answer.status_code, answer.json()["code"]) == expected
    if overlap:
        last = await made_with(suite, old, **THING)
        clock.advance(seconds=overlap)
        assert await status_of(suite, last["key"]) == 401


async def test_siblings_and_makers_are_not_taken_over(suite: Suite) -> None:
    mother = await made_with(suite, None, **MOTHER)
    both = [await made_with(suite, mother, **THING | {"scopes": MOTHER["scopes"]}) for _ in range(2)]
    for target in (mother, both[1]):
        answer = await suite.client(both[0]["key"]).post(f"/v1/keys/{target['id']}/rotate")
        assert (answer.status_code, answer.json()["code"]) == (403, "not_its_maker")
    fresh = (await suite.client(mother["key"]).post(f"/v1/keys/{both[1]['id']}/rotate")).json()
    assert (fresh["maker_id"], fresh["lineage_id"]) == (mother["id"], both[1]["id"])
    itself = (await suite.client(fresh["key"]).post(f"/v1/keys/{fresh['id']}/rotate")).json()
    assert (itself["maker_id"], itself["lineage_id"], itself["created_by"]) == (
        mother["id"],
        both[1]["id"],
        fresh["id"],
    )


async def test_generations_are_few(suite: Suite) -> None:
    youngest = await made_with(suite, None, **MOTHER)
    for _ in range(3):
        youngest = await made_with(suite, youngest, **THING | {"scopes": MOTHER["scopes"]})
    answer = await suite.client(youngest["key"]).post("/v1/keys", json={"name": "x", **THING})
    assert (answer.status_code, answer.json()["code"]) == (403, "too_many_generations")


async def test_two_rotations_at_once_make_one_successor(suite: Suite) -> None:
    made = await made_with(suite, None, **MOTHER)
    own = suite.client(made["key"])
    answers = await asyncio.gather(*(own.post(f"/v1/keys/{made['id']}/rotate") for _ in range(6)))
    assert sorted(one.status_code for one in answers) == [201] + [409] * 5
    rows: list[dict[str, Any]] = (await suite.client().get("/v1/keys", params={"kind": "partner"})).json()["data"]
    assert sum(row["lineage_id"] == made["id"] for row in rows) == 2


async def test_a_child_made_while_its_maker_is_revoked_does_not_live(suite: Suite) -> None:
    for _ in range(5):
        mother = await made_with(suite, None, **MOTHER)
        child = await made_with(suite, mother, **THING | {"scopes": MOTHER["scopes"]})
        body = {"name": "x", **THING}
        makers = [suite.client(one["key"]) for one in (mother, child)] * 3
        revoked, *answers = await asyncio.gather(
            suite.client().delete(f"/v1/keys/{mother['id']}"),
            *(one.post("/v1/keys", json=body) for one in makers),
            suite.client(child["key"]).post(f"/v1/keys/{child['id']}/rotate"),
        )
        assert revoked.status_code == 204
        assert {one.status_code for one in answers} <= {201, 401, 409}
        for made in (one.json()["key"] for one in answers if one.status_code == 201):
            assert await status_of(suite, made) == 401


async def test_a_key_whose_maker_ends_before_it_is_stored_is_not_made(suite: Suite, clock: ManualClock) -> None:
    """The two meet in the database in the one order that hurts: made, not yet committed, while the maker is revoked."""
    mother = await made_with(suite, None, **MOTHER)
    db = suite.gateway.kit.db
    async with db.write() as tx:
        assert await repository.lock_in_force(tx, mother["id"], clock.now()) is not None
        revoking = asyncio.create_task(suite.client().delete(f"/v1/keys/{mother['id']}"))
        await asyncio.sleep(0.2)
        row = await repository.find(tx, mother["id"])
        assert row is not None
        late = {"id": "key_late", "lineage_id": "key_late", "maker_id": mother["id"], "digest": "late"}
        await repository.insert_key(tx, as_dict(row) | late)
    assert (await revoking).status_code == 204
    assert (await suite.client().get("/v1/keys/key_late")).json()["status"] == "revoked"
    async with db.write() as tx:
        assert await repository.lock_in_force(tx, mother["id"], clock.now()) is None


async def test_a_partner_can_not_fill_the_memory_with_keys(
    suite: Suite, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.keys.known._MOST_A_DAY", 3)
    mother = await made_with(suite, None, **MOTHER)
    key = await made_with(suite, mother, **THING | {"scopes": MOTHER["scopes"]})
    for _ in range(2):
        key = (await suite.client(key["key"]).post(f"/v1/keys/{key['id']}/rotate")).json()
    for path, body in (("/v1/keys", {"name": "x", **THING}), (f"/v1/keys/{key['id']}/rotate", {})):
        refused = await suite.client(key["key"]).post(path, json=body)
        assert (refused.status_code, refused.json()["code"]) == (429, "too_many_keys")
        assert 0 < int(refused.headers["retry-after"]) <= 86_400, "until the merchant's day ends"
    assert await rotated(suite, key), "the merchant helps"
    assert await made_with(suite, await made_with(suite, None, **MOTHER), **THING), "other partners are not concerned"
    clock.advance(timedelta(days=1))
    await made_with(suite, mother, **THING)
