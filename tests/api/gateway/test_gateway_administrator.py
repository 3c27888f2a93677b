"""The administrator's key: made at the first start, kept by later ones, replaced by a given one."""

import asyncio
import stat
from pathlib import Path
from typing import Any

import pytest
from api.gateway.keykit import status_of
from kit.gateway import ADMIN_KEY, Suite
from pydantic import ValidationError
from sqlalchemy import delete, select

from gateway.audit_log.log import AuditLog
from gateway.keys.administrator import Administrator
from gateway.keys.key_file import KeyFile
from gateway.keys.management import new_key
from gateway.keys.models import ApiKey
from gateway.keys.rules import digest
from gateway.settings import GatewaySettings
from shared.clock import ManualClock
from shared.service import Kit

OWN = "my-own-secret+of/32~characters:8?"


def file_at(data_dir: Path) -> tuple[str, int]:
    path = data_dir / "admin.key"
    return path.read_text().strip(), stat.S_IMODE(path.stat().st_mode)


async def test_the_first_start_makes_an_administrator_and_a_later_one_keeps_it(
    run_gateway: Any, capsys: pytest.CaptureFixture[str], backend: Any
) -> None:
    suite = await run_gateway(admin_key=None)
    key, mode = file_at(backend.data_dir)
    assert mode == 0o600
    said = capsys.readouterr().out  # no terminal: perhaps a container's log
    assert (key in said, str(backend.data_dir / "admin.key") in said) == (False, True)
    assert (await suite.client(key).get("/v1/keys")).status_code == 200
    await run_again(suite, None)
    assert (file_at(backend.data_dir)[0], capsys.readouterr().out) == (key, "")


async def run_again(suite: Suite, admin_key: str | None) -> None:
    """What the next start does with the administrator's key."""
    kit = suite.gateway.kit
    settings = GatewaySettings(data_dir=kit.settings.data_dir, admin_key=admin_key)
    await administrator(kit, settings).ensure()


def administrator(kit: Kit, settings: GatewaySettings) -> Administrator:
    return Administrator(kit, settings, AuditLog(kit), KeyFile(settings.data_dir))


async def test_a_crash_between_file_and_row_loses_no_key(run_gateway: Any, backend: Any) -> None:
    left = new_key("secret")
    (backend.data_dir / "admin.key").write_text(left + "\n")
    suite = await run_gateway(admin_key=None)
    assert (await suite.client(left).get("/v1/keys")).status_code == 200


async def test_gateways_that_start_at_once_leave_no_file_with_a_key_that_opens_nothing(
    run_gateway: Any, tmp_path: Path
) -> None:
    """Two share a folder, one has its own; whoever comes second finds the row made."""
    suite = await run_gateway()
    kit = suite.gateway.kit
    async with kit.db.write() as tx:
        await tx.run(delete(ApiKey.table))
    folders = [tmp_path / "shared", tmp_path / "shared", tmp_path / "own"]
    starting = [administrator(kit, GatewaySettings(data_dir=folder, admin_key=None)).ensure() for folder in folders]
    await asyncio.gather(*starting)
    left = {file_at(folder)[0] for folder in folders if (folder / "admin.key").exists()}
    async with kit.db.read() as tx:
        (row,) = await tx.rows(ApiKey, select(ApiKey.table))
    assert [digest(key) for key in left] == [row.digest]


async def test_the_given_administrator_key_replaces_the_one_before(suite: Suite, clock: ManualClock) -> None:
    assert not (suite.gateway.kit.settings.data_dir / "admin.key").exists()
    fresh = new_key("secret")
    await run_again(suite, fresh)
    clock.advance(seconds=5)
    assert await status_of(suite, fresh) == 200
    assert await status_of(suite, ADMIN_KEY) == 401


async def test_a_person_at_a_terminal_reads_the_key_once(
    run_gateway: Any, backend: Any, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    await run_gateway(admin_key=None)
    assert capsys.readouterr().out.count(file_at(backend.data_dir)[0]) == 1


async def test_any_long_secret_is_a_key(run_gateway: Any) -> None:
    """Also one without our mark and checksum; what was never given is refused as before."""
    suite = await run_gateway(admin_key=OWN)
    assert await status_of(suite, OWN) == 200
    assert await status_of(suite, OWN.swapcase()) == 401
    (shown,) = (await suite.client(OWN).get("/v1/keys")).json()["data"]
    assert shown["hint"] == "my…8?"


@pytest.mark.parametrize(
    "secret", ["admin", "a" * 40, "short-of-thirty-two-characters!", "with a blank " * 4, "密" * 40]
)
def test_a_secret_that_is_none(secret: str) -> None:
    with pytest.raises(ValidationError, match="admin_key"):
        GatewaySettings(admin_key=secret)


async def test_rotating_the_administrators_key_leaves_the_new_one_in_the_file(run_gateway: Any, backend: Any) -> None:
    suite = await run_gateway(admin_key=None)
    old = file_at(backend.data_dir)[0]
    answer = await suite.client(old).post("/v1/keys/key_admin/rotate", json={"overlap_seconds": 0})
    key, mode = file_at(backend.data_dir)
    assert (key, mode) == (answer.json()["key"], 0o600)
    assert [await status_of(suite, one) for one in (key, old)] == [200, 401]


async def test_rotating_another_key_leaves_the_file_alone(run_gateway: Any, backend: Any) -> None:
    suite = await run_gateway(admin_key=None)
    client = suite.client(old := file_at(backend.data_dir)[0])
    other = (await client.post("/v1/keys", json={"name": "ERP", "kind": "secret"})).json()
    assert (await client.post(f"/v1/keys/{other['id']}/rotate", json={"overlap_seconds": 0})).status_code == 201
    assert file_at(backend.data_dir)[0] == old


async def test_a_given_key_is_in_the_file_that_is_there(run_gateway: Any, backend: Any, clock: ManualClock) -> None:
    """So that nobody is locked out when the variable is taken away again."""
    suite = await run_gateway(admin_key=None)
    await run_again(suite, OWN)
    await run_again(suite, None)
    clock.advance(seconds=5)
    assert file_at(backend.data_dir)[0] == OWN
    assert await status_of(suite, OWN) == 200


async def test_a_given_key_that_was_rotated_stays_so(suite: Suite, clock: ManualClock) -> None:
    """The variable still names the old one, which may be in a thief's hands; the new one may stand there instead."""
    rotated = await suite.client(ADMIN_KEY).post("/v1/keys/key_admin/rotate", json={"overlap_seconds": 0})
    fresh = rotated.json()["key"]
    for given in (ADMIN_KEY, fresh):
        await run_again(suite, given)
        clock.advance(seconds=5)
        assert [await status_of(suite, key) for key in (ADMIN_KEY, fresh)] == [401, 200]


@pytest.mark.parametrize("given", [None, OWN])
async def test_whoever_owns_the_data_gives_the_administrator_another_key(
    run_gateway: Any, backend: Any, clock: ManualClock, given: str | None
) -> None:
    """As when it was lost, or revoked by somebody with another one."""
    suite = await run_gateway(admin_key=None)
    client = suite.client(old := file_at(backend.data_dir)[0])
    other = (await client.post("/v1/keys", json={"name": "ERP", "kind": "secret"})).json()
    assert (await suite.client(other["key"]).delete("/v1/keys/key_admin")).status_code in (204, 409)
    kit = suite.gateway.kit
    for _ in range(2):
        await administrator(kit, GatewaySettings(data_dir=backend.data_dir, admin_key=given)).reset()
        clock.advance(seconds=5)
        key = file_at(backend.data_dir)[0]
        assert [await status_of(suite, one) for one in (key, old)] == [200, 401]
    assert given in (None, key)
    entries = (await suite.client(key).get("/v1/audit-log?object_id=key_admin")).json()["data"]
    assert [entry["action"] for entry in entries].count("key.reset") == 2


async def test_another_keys_secret_is_not_the_administrators(run_gateway: Any, backend: Any) -> None:
    suite = await run_gateway(admin_key=None)
    old = file_at(backend.data_dir)[0]
    other = (await suite.client(old).post("/v1/keys", json={"name": "ERP", "kind": "secret"})).json()["key"]
    with pytest.raises(ValueError, match="another key"):
        await administrator(suite.gateway.kit, GatewaySettings(data_dir=backend.data_dir, admin_key=other)).reset()
    assert await status_of(suite, old) == 200
