"""The administrator's key: made at the first start, kept by later ones, replaced by a given one."""

import asyncio
import stat
from pathlib import Path
from typing import Any

import pytest
from api.gateway.keykit import status_of
from kit.gateway import ADMIN_KEY, Suite
from sqlalchemy import delete, select

from gateway.audit_log.log import AuditLog
from gateway.keys.administrator import Administrator
from gateway.keys.management import new_key
from gateway.keys.models import ApiKey
from gateway.keys.rules import digest
from gateway.settings import GatewaySettings
from shared.clock import ManualClock


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
    kit = suite.gateway.kit
    settings = GatewaySettings(data_dir=kit.settings.data_dir, admin_key=admin_key)
    await Administrator(kit, settings, AuditLog(kit)).ensure()


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
    starting = [
        Administrator(kit, GatewaySettings(data_dir=folder, admin_key=None), AuditLog(kit)).ensure()
        for folder in folders
    ]
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
    with pytest.raises(ValueError, match="QUANYU_ADMIN_KEY"):
        await run_again(suite, "admin")
