"""Keys: made, shown once, rotated, revoked, and never more powerful than their maker."""

import stat
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from kit.gateway import ADMIN_KEY, Suite
from sqlalchemy import select

from gateway.keys.management import new_key
from gateway.keys.models import ApiKey
from gateway.keys.rules import format_key
from shared.clock import ManualClock

THING = {"kind": "restricted", "scopes": ["coupon:things:*"]}


async def status_of(suite: Suite, key: str | None, address: str = "198.51.100.7") -> int:
    answer = await suite.client(key, address).get("/v1/things/1")
    return answer.status_code


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


async def test_a_publishable_key_gets_the_tracking_scope(suite: Suite) -> None:
    made = (await suite.client().post("/v1/keys", json={"name": "app", "kind": "publishable"})).json()
    assert made["scopes"] == ["segments:events:write"]
    assert made["key"].startswith("qy_live_pk_")
    assert (await suite.client(made["key"]).get("/v1/things/1")).status_code == 403
    assert (await suite.client(made["key"]).post("/v1/track", json={})).status_code == 200


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
    await suite.gateway.keys.cache.invalidate_changed()
    assert await status_of(suite, made["key"]) == 401


async def test_memory_never_outlives_five_seconds(suite: Suite, clock: ManualClock) -> None:
    made = (await suite.client().post("/v1/keys", json={"name": "r", **THING})).json()
    assert await status_of(suite, made["key"]) == 200
    async with suite.gateway.kit.db.write() as tx:
        await tx.execute(ApiKey.table.update().where(ApiKey.c.id == made["id"]).values(revoked_at=clock.now()))
    clock.advance(seconds=5)
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


async def test_nobody_hands_out_or_takes_over_more_than_they_hold(suite: Suite, clock: ManualClock) -> None:
    end = (clock.now() + timedelta(days=1)).isoformat()
    mine = await suite.key(kind="restricted", scopes=["gateway:keys:*", "coupon:*:read"], expires_at=end)
    client = suite.client(mine)

    async def code(body: dict[str, Any]) -> Any:
        answer = await client.post("/v1/keys", json={"name": "x", "expires_at": end, **body})
        return answer.json().get("code", answer.status_code)

    assert await code({"scopes": ["coupon:things:read"]}) == 201
    assert await code({"scopes": ["coupon:things:write"]}) == "scope_exceeds_own"
    assert await code({"scopes": ["coupon:*:*"]}) == "scope_exceeds_own"
    assert await code({"scopes": ["*"]}) == "scope_exceeds_own"
    assert await code({"kind": "secret", "scopes": ["coupon:things:read"]}) == "kind_not_allowed"
    assert await code({"kind": "partner", "scopes": ["coupon:things:read"]}) == "kind_not_allowed"
    assert await code({"scopes": ["coupon:things:read"], "expires_at": None}) == "outlives_its_maker"
    assert (await client.post("/v1/keys/key_admin/rotate")).json()["code"] == "scope_exceeds_own"
    assert (await client.delete("/v1/keys/key_admin")).json()["code"] == "scope_exceeds_own"
    assert (await suite.client().delete("/v1/keys/key_admin")).json()["code"] == "own_key"


async def test_a_partner_sees_only_its_own_keys(suite: Suite) -> None:
    scopes = ["gateway:keys:*", "coupon:things:read"]
    first = (await suite.client().post("/v1/keys", json={"name": "p1", "kind": "partner", "scopes": scopes})).json()
    second = (await suite.client().post("/v1/keys", json={"name": "p2", "kind": "partner", "scopes": scopes})).json()
    assert first["owner_id"] != second["owner_id"]
    client = suite.client(first["key"])
    assert [one["id"] for one in (await client.get("/v1/keys")).json()["data"]] == [first["id"]]
    foreign = await client.get(f"/v1/keys/{second['id']}")
    random = await client.get("/v1/keys/key_01ARZ3NDEKTSV4RRFFQ69G5FAV")
    assert (foreign.status_code, foreign.json()["detail"]) == (404, random.json()["detail"])
    assert (await client.delete(f"/v1/keys/{second['id']}")).status_code == 404
    assert (await client.post(f"/v1/keys/{second['id']}/rotate")).status_code == 404


async def test_a_key_bound_to_addresses_works_only_there(suite: Suite) -> None:
    key = await suite.key(**THING, allowed_ips=["203.0.113.0/24", "2001:db8::/32"])
    assert await status_of(suite, key, "203.0.113.9") == 200
    assert await status_of(suite, key, "2001:db8::1") == 200
    assert await status_of(suite, key, "::ffff:203.0.113.9") == 200
    assert await status_of(suite, key, "198.51.100.7") == 401
    forged = await suite.client(key).get("/v1/things/1", headers={"X-Forwarded-For": "203.0.113.9"})
    assert forged.status_code == 401


async def test_last_use_is_written_by_the_minute(suite: Suite, clock: ManualClock) -> None:
    made = (await suite.client().post("/v1/keys", json={"name": "r", **THING})).json()
    assert await status_of(suite, made["key"]) == 200
    assert (await suite.client().get(f"/v1/keys/{made['id']}")).json()["last_used_at"] is None
    await suite.running.tick()
    assert (await suite.client().get(f"/v1/keys/{made['id']}")).json()["last_used_at"] == "2026-11-11T02:00:00Z"


def file_at(data_dir: Path) -> tuple[str, int]:
    path = data_dir / "admin.key"
    return path.read_text().strip(), stat.S_IMODE(path.stat().st_mode)


async def test_the_first_start_makes_an_administrator_and_a_later_one_keeps_it(
    run_gateway: Any, capsys: pytest.CaptureFixture[str], backend: Any
) -> None:
    suite = await run_gateway(admin_key=None)
    key, mode = file_at(backend.data_dir)
    assert mode == 0o600
    assert capsys.readouterr().out.count(key) == 1
    assert (await suite.client(key).get("/v1/keys")).status_code == 200
    await run_again(suite, None)
    assert (file_at(backend.data_dir)[0], capsys.readouterr().out) == (key, "")


async def run_again(suite: Suite, admin_key: str | None) -> None:
    """What the next start does with the administrator's key."""
    from gateway.audit_log.log import AuditLog
    from gateway.keys.administrator import Administrator
    from gateway.settings import GatewaySettings

    kit = suite.gateway.kit
    settings = GatewaySettings(data_dir=kit.settings.data_dir, admin_key=admin_key)
    await Administrator(kit, settings, AuditLog(kit)).ensure()


async def test_a_crash_between_file_and_row_loses_no_key(run_gateway: Any, backend: Any) -> None:
    left = new_key("secret")
    (backend.data_dir / "admin.key").write_text(left + "\n")
    suite = await run_gateway(admin_key=None)
    assert (await suite.client(left).get("/v1/keys")).status_code == 200


async def test_the_given_administrator_key_replaces_the_one_before(suite: Suite, clock: ManualClock) -> None:
    assert not (suite.gateway.kit.settings.data_dir / "admin.key").exists()
    fresh = new_key("secret")
    await run_again(suite, fresh)
    clock.advance(seconds=5)
    assert await status_of(suite, fresh) == 200
    assert await status_of(suite, ADMIN_KEY) == 401
    with pytest.raises(ValueError, match="QUANYU_ADMIN_KEY"):
        await run_again(suite, "admin")


async def test_a_flood_of_invented_keys_costs_no_look_up_and_no_memory(suite: Suite) -> None:
    for _ in range(2):  # a key found in the very moment in which changed keys are looked up is not remembered yet
        assert await status_of(suite, ADMIN_KEY) == 200
    client = suite.client("qy_live_sk_" + "a" * 49)
    codes = [(await client.get("/v1/things/1")).status_code for _ in range(70)]
    assert codes == [401] * 60 + [429] * 10
    valid = suite.client(new_key("secret"))
    assert (await valid.get("/v1/things/1")).status_code == 429, "unknown keys are not even looked up any more"
    assert await status_of(suite, ADMIN_KEY) == 200, "a known key is not held back"
    elsewhere = await suite.client(new_key("secret"), "192.0.2.1").get("/v1/things/1")
    assert elsewhere.status_code == 401
    assert len(suite.gateway.keys.cache._unknown) <= 1


async def test_administrative_calls_are_in_the_audit_log(suite: Suite) -> None:
    made = (await suite.client().post("/v1/keys", json={"name": "r", **THING})).json()
    await suite.client().post(f"/v1/keys/{made['id']}/rotate", headers={"X-Request-Id": "my-request-1"})
    await suite.client().delete(f"/v1/keys/{made['id']}")
    entries = (await suite.client().get("/v1/audit-log", params={"object_id": made["id"]})).json()["data"]
    assert [one["action"] for one in entries] == ["key.revoke", "key.rotate", "key.create"]
    assert {one["actor_key_id"] for one in entries} == {"key_admin"}
    assert entries[1]["request_id"] == "my-request-1"
    assert (await suite.client().request("DELETE", "/v1/audit-log")).status_code == 405


async def test_a_staff_key_works_for_one_shop_and_stays_there(suite: Suite) -> None:
    staff = {"kind": "restricted", "scopes": ["gateway:keys:*", "coupon:things:*"], "shop_id": "shopA"}
    made = (await suite.client().post("/v1/keys", json={"name": "店员", **staff})).json()
    assert made["shop_id"] == "shopA"
    await suite.client(made["key"]).get("/v1/things/1", headers={"x-quanyu-shop-id": "shopB"})
    assert suite.parts["coupon"].seen[-1]["caller"].shop_id == "shopA"
    rotated = (await suite.client().post(f"/v1/keys/{made['id']}/rotate")).json()
    assert rotated["shop_id"] == "shopA"
    own = suite.client(rotated["key"])
    for shop in ({}, {"shop_id": "shopB"}):
        answer = await own.post("/v1/keys", json={"name": "x", **THING, **shop})
        assert (answer.status_code, answer.json()["code"]) == (403, "shop_not_allowed")
    assert (await own.post("/v1/keys", json={"name": "x", **THING, "shop_id": "shopA"})).status_code == 201
    other = (await suite.client().post("/v1/keys", json={"name": "y", **THING, "shop_id": "shopB"})).json()
    assert (await own.post(f"/v1/keys/{other['id']}/rotate")).json()["code"] == "shop_not_allowed"
    publishable = await suite.client().post("/v1/keys", json={"name": "z", "kind": "publishable", "shop_id": "shopA"})
    assert publishable.json()["errors"][0]["pointer"] == "#/shop_id"
