"""Keys: made, shown once, rotated, revoked, and found again in memory for a moment only."""

from datetime import timedelta
from typing import Any

import pytest
from api.gateway.keykit import THING, status_of
from kit.gateway import ADMIN_KEY, Suite
from sqlalchemy import select

from gateway.keys import repository
from gateway.keys.models import ApiKey
from gateway.keys.rules import format_key
from shared.clock import ManualClock


async def test_the_key_is_shown_once_and_stored_as_a_digest(suite: Suite) -> None:
    made = (await suite.client().post("/v1/keys", json={"name": "POS 门店", **THING})).json()
    key = made["key"]
    assert len(key) == 60
    assert key.startswith("qy_live_rk_")
    assert (made["status"], made["hint"]) == ("active", f"{key[:12]}…{key[-4:]}")
    shown = await suite.client().get(f"/v1/keys/{made['id']}")
    assert "key" not in shown.json()
    listed = await suite.client().get("/v1/keys", params={"kind": "restricted"})
    assert [one["id"] for one in listed.json()["data"]] == [made["id"]]
    async with suite.gateway.kit.db.read() as tx:
        rows = (await tx.execute(select(ApiKey.table))).all()
        log = (await tx.execute(select(suite.gateway.kit.metadata.tables["audit_log"]))).all()
    dump = str(rows) + str(log)
    assert key not in dump
    assert key[12:-6] not in dump
    assert ADMIN_KEY not in dump


async def test_an_idempotent_creation_neither_repeats_nor_keeps_the_key(suite: Suite) -> None:
    body, once = {"name": "once", **THING}, {"Idempotency-Key": "k1"}
    first = await suite.client().post("/v1/keys", json=body, headers=once)
    again = await suite.client().post("/v1/keys", json=body, headers=once)
    assert (first.status_code, again.status_code) == (201, 409)
    assert again.json()["code"] == "answer_not_kept"
    async with suite.gateway.kit.db.read() as tx:
        kept = (await tx.execute(select(suite.gateway.kit.metadata.tables["idempotency"]))).all()
    assert first.json()["key"] not in str(kept)
    assert len((await suite.client().get("/v1/keys", params={"kind": "restricted"})).json()["data"]) == 1


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"kind": "restricted"}, "#/scopes"),
        ({"kind": "restricted", "scopes": []}, "#/scopes"),
        ({"kind": "partner"}, "#/scopes"),
        ({"scopes": ["everything"]}, "#/scopes/0"),
        ({"scopes": ["coupon:things:read", "coupon:coupon:read"]}, "#/scopes/1"),
        ({"kind": "publishable", "scopes": ["*"]}, "#/scopes"),
        ({"kind": "publishable", "scopes": ["segments:*:write"]}, "#/scopes"),
        ({"kind": "root", "scopes": ["*"]}, "#/kind"),
        ({**THING, "expires_at": "2020-01-01T00:00:00Z"}, "#/expires_at"),
        ({**THING, "expires_at": "2030-01-01T00:00:00"}, "#/expires_at"),
        ({**THING, "allowed_ips": ["10.0.0.0/33"]}, "#/allowed_ips/0"),
        ({**THING, "limits": {"requests": 0}}, "#/limits/requests"),
        ({**THING, "limits": {"requests": "5"}}, "#/limits/requests"),
        ({**THING, "colour": "red"}, "#/colour"),
        ({**THING, "name": ""}, "#/name"),
    ],
)
async def test_bad_requests_say_which_field(run_gateway: Any, body: dict[str, Any], pointer: str) -> None:
    suite = await run_gateway()
    answer = await suite.client().post("/v1/keys", json={"name": "x", **body})
    assert answer.status_code == 422, answer.text
    assert answer.json()["errors"][0]["pointer"] == pointer


async def test_wrong_keys_of_every_sort_get_the_very_same_answer(suite: Suite, clock: ManualClock) -> None:
    expired = await suite.key(**THING, expires_at=(clock.now() + timedelta(hours=1)).isoformat())
    revoked = await suite.client().post("/v1/keys", json={"name": "r", **THING})
    assert await status_of(suite, expired) == 200
    assert await status_of(suite, revoked.json()["key"]) == 200
    await suite.client().delete(f"/v1/keys/{revoked.json()['id']}")
    clock.advance(timedelta(hours=1))
    bodies = set()
    unknown = format_key("secret", b"\x01" * 32)
    for key in (expired, revoked.json()["key"], unknown, unknown[:-1] + "x", "qy_live_sk_short", "Ω", ""):
        answer = await suite.client(None).get("/v1/things/1", headers={b"x-api-key": key.encode()})
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"].startswith("Bearer")
        bodies.add((answer.json()["code"], answer.json()["detail"], frozenset(answer.headers) - {"x-request-id"}))
    assert len(bodies) == 1


async def test_revocation_works_at_once_and_may_be_repeated(suite: Suite) -> None:
    made = (await suite.client().post("/v1/keys", json={"name": "r", **THING})).json()
    assert await status_of(suite, made["key"]) == 200
    for _ in range(2):
        assert (await suite.client().delete(f"/v1/keys/{made['id']}")).status_code == 204
        assert await status_of(suite, made["key"]) == 401
    assert (await suite.client().get(f"/v1/keys/{made['id']}")).json()["status"] == "revoked"
    rotated = await suite.client().post(f"/v1/keys/{made['id']}/rotate", json={})
    assert (rotated.status_code, rotated.json()["code"]) == (409, "key_not_active")


async def test_what_another_replica_revoked_is_heard_within_a_round(suite: Suite, clock: ManualClock) -> None:
    made = (await suite.client().post("/v1/keys", json={"name": "r", **THING})).json()
    assert await status_of(suite, made["key"]) == 200
    clock.advance(seconds=1)
    async with suite.gateway.kit.db.write() as tx:  # as another process would: past this one's memory
        chosen = ApiKey.table.update().where(ApiKey.c.id == made["id"])
        await tx.execute(chosen.values(revoked_at=clock.now(), changed_at=clock.now()))
    await suite.gateway.keys.cache.refresh()
    assert await status_of(suite, made["key"]) == 401


async def test_memory_never_outlives_five_seconds(suite: Suite, clock: ManualClock) -> None:
    made = (await suite.client().post("/v1/keys", json={"name": "r", **THING})).json()
    assert await status_of(suite, made["key"]) == 200
    clock.advance(seconds=1)
    async with suite.gateway.kit.db.write() as tx:
        chosen = ApiKey.table.update().where(ApiKey.c.id == made["id"])
        await tx.execute(chosen.values(revoked_at=clock.now(), changed_at=clock.now()))
    clock.advance(seconds=4)  # with no loop to take it up meanwhile
    assert await status_of(suite, made["key"]) == 401


async def test_a_rotated_key_works_to_the_second_and_says_so(suite: Suite, clock: ManualClock) -> None:
    made = (await suite.client().post("/v1/keys", json={"name": "r", **THING})).json()
    answer = await suite.client().post(f"/v1/keys/{made['id']}/rotate", json={"overlap_seconds": 3600})
    assert answer.status_code == 201, answer.text
    new = answer.json()
    assert new["scopes"] == made["scopes"]
    assert new["owner_id"] == made["owner_id"]
    old = await suite.client(made["key"]).get("/v1/things/1")
    assert old.status_code == 200
    assert old.headers["deprecation"] == f"@{int(clock.now().timestamp())}"
    assert old.headers["sunset"] == "Wed, 11 Nov 2026 03:00:00 GMT"
    assert old.headers["x-quanyu-key-expires"] == "2026-11-11T03:00:00Z"
    fresh = await suite.client(new["key"]).get("/v1/things/1")
    assert "sunset" not in fresh.headers
    twice = await suite.client().post(f"/v1/keys/{made['id']}/rotate")
    assert twice.status_code == 409
    clock.advance(seconds=3599.999)
    assert await status_of(suite, made["key"]) == 200
    clock.advance(seconds=0.001)
    assert await status_of(suite, made["key"]) == 401
    assert await status_of(suite, new["key"]) == 200


async def test_rotation_never_lengthens_a_life(suite: Suite, clock: ManualClock) -> None:
    end = clock.now() + timedelta(minutes=10)
    made = (await suite.client().post("/v1/keys", json={"name": "r", **THING, "expires_at": end.isoformat()})).json()
    new = (await suite.client().post(f"/v1/keys/{made['id']}/rotate", json={"overlap_seconds": 86400})).json()
    assert new["expires_at"] == "2026-11-11T02:10:00Z"
    clock.advance(timedelta(minutes=10))
    assert await status_of(suite, made["key"]) == 401
    assert await status_of(suite, new["key"]) == 401


async def test_last_use_is_written_by_the_minute(suite: Suite, clock: ManualClock) -> None:
    made = (await suite.client().post("/v1/keys", json={"name": "r", **THING})).json()
    assert await status_of(suite, made["key"]) == 200
    assert (await suite.client().get(f"/v1/keys/{made['id']}")).json()["last_used_at"] is None
    await suite.running.tick()
    assert (await suite.client().get(f"/v1/keys/{made['id']}")).json()["last_used_at"] == "2026-11-11T02:00:00Z"


async def test_administrative_calls_are_in_the_audit_log(suite: Suite) -> None:
    made = (await suite.client().post("/v1/keys", json={"name": "r", **THING})).json()
    await suite.client().post(f"/v1/keys/{made['id']}/rotate", headers={"X-Request-Id": "my-request-1"})
    await suite.client().delete(f"/v1/keys/{made['id']}")
    entries = (await suite.client().get("/v1/audit-log", params={"object_id": made["id"], "kind": "fact"})).json()[
        "data"
    ]
    assert [one["action"] for one in entries] == ["key.revoke", "key.rotate", "key.create"]
    assert {one["actor"] for one in entries} == {"key:key_admin"}
    assert entries[1]["request_id"] == "my-request-1"
    assert (await suite.client().request("DELETE", "/v1/audit-log")).status_code == 405


async def test_a_use_that_could_not_be_written_down_is_written_down_the_next_time(
    suite: Suite, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = (await suite.client().post("/v1/keys", json={"name": "t", **THING})).json()
    await suite.client(made["key"]).get("/v1/coupon-templates")

    async def fails(*_: Any) -> None:
        raise ConnectionError

    with monkeypatch.context() as patched, pytest.raises(ConnectionError):
        patched.setattr(repository, "update_last_uses", fails)
        await suite.gateway.keys.cache.note_uses()
    await suite.gateway.keys.cache.note_uses()
    assert (await suite.client().get(f"/v1/keys/{made['id']}")).json()["last_used_at"] is not None
