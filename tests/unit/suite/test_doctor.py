"""What `quanyu doctor` says of each fault: a line with a verdict and a remedy, for people in their language and for programs."""

import asyncio
import json
import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from kit import servers as there
from kit.cli import Call
from kit.servers import free_port
from sqlalchemy import insert

from shared.clock import SystemClock
from shared.db import Database
from shared.messaging import LocalBus
from shared.messaging.local_repository import PACK
from shared.messaging.topology import Topology
from suite.client import Client
from suite.diagnosis import Diagnosis, Verdict
from suite.running_checks import readiness, running
from suite.server_checks import servers
from suite.settings import SuiteSettings


async def found(settings: SuiteSettings) -> dict[str, Diagnosis]:
    return {one.check: one async for one in servers(settings)}


def settings(folder: Path, **given: Any) -> SuiteSettings:
    return SuiteSettings(data_dir=folder, **given)


async def test_who_looks_from_elsewhere_hears_nothing_and_makes_nothing(tmp_path: Path) -> None:
    assert await found(settings(tmp_path / "data")) == {}
    assert os.listdir(tmp_path) == []


def test_databases_that_are_well_and_one_without_tables(quanyu: Call, tmp_path: Path) -> None:
    folder = tmp_path / "data"
    assert quanyu("migrate", "coupon")[0] == 0
    (folder / "journey.db").touch()
    looked = asyncio.run(found(settings(folder)))
    assert looked["database_coupon"].verdict is Verdict.OK
    assert looked["database_journey"].verdict is Verdict.FAIL
    assert "quanyu migrate" in looked["database_journey"].detail
    assert "database_segments" not in looked


async def test_a_database_server_that_is_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    url = f"postgresql://nobody:secret-word@127.0.0.1:{free_port()}/none"
    monkeypatch.setenv("QUANYU_DATABASE_URL", url)
    looked = await found(settings(tmp_path, database_url=url))
    for name in ("coupon", "gateway"):
        assert looked[f"database_{name}"].verdict is Verdict.FAIL
    assert "secret-word" not in str(looked)


async def test_messages_that_were_given_up_and_messages_that_pile_up(tmp_path: Path) -> None:
    clock = SystemClock()
    db = Database(f"sqlite:///{tmp_path}/bus.db", schema="bus")
    bus = LocalBus(db, clock)
    await bus.start()
    row = {"queue": "journey.events", "name": "stock.low", "body": b"[]", "attempts": 4, "due_at": clock.now()}
    rows = [{**row, "pack_id": f"p{number}", "parked": number < 3} for number in range(1500)]
    async with db.write() as tx:
        await tx.execute(insert(PACK), rows)
    await bus.stop()
    looked = await found(settings(tmp_path))
    assert looked["bus"].verdict is Verdict.OK
    assert (looked["parked"].verdict, "journey.events 3" in looked["parked"].detail) == (Verdict.WARN, True)
    assert (looked["queues"].verdict, "journey.events 1,497" in looked["queues"].detail) == (Verdict.WARN, True)
    assert "quanyu parked list" in looked["parked"].detail


async def test_rabbitmq_and_redis_that_are_away(tmp_path: Path) -> None:
    port = free_port()
    away = settings(
        tmp_path, broker_url=f"amqp://u:secret-word@127.0.0.1:{port}/", redis_url=f"redis://127.0.0.1:{port}/0"
    )
    looked = await found(away)
    assert (looked["bus"].verdict, looked["redis"].verdict) == (Verdict.FAIL, Verdict.WARN)
    assert "QUANYU_BROKER_URL" in looked["bus"].detail
    assert "secret-word" not in str(looked)
    assert "parked" not in looked, "what can't be seen is not called well"


async def test_rabbitmq_and_redis_that_answer(tmp_path: Path) -> None:
    from kit.broker import swept
    from scenarios.arrangements import RETRY_SECONDS, _consumers

    there.require("rabbitmq")
    there.require("redis")
    prefix = "qd-doctor"
    async with swept(Topology(prefix, RETRY_SECONDS), _consumers(tmp_path)):
        here = settings(tmp_path, broker_url=there.BROKER_URL, broker_prefix=prefix, redis_url=there.REDIS_URL)
        looked = await found(here)
    assert {one.verdict for one in looked.values()} == {Verdict.OK}, looked
    assert {"bus", "parked", "queues", "redis", "disk"} <= set(looked)


@pytest.mark.parametrize(("free", "verdict"), [(50, Verdict.OK), (9, Verdict.WARN), (1, Verdict.FAIL)])
async def test_a_disk_that_fills(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, free: int, verdict: Verdict) -> None:
    usage = SimpleNamespace(total=100 * 10**9, free=free * 10**9)
    monkeypatch.setattr("suite.server_checks.shutil.disk_usage", lambda _: usage)
    disk = (await found(settings(tmp_path)))["disk"]
    assert (disk.verdict, f"{free} %" in disk.detail) == (verdict, True)


class _Suite:
    """Answers as a suite does, over no wire."""

    def __init__(self, ready: tuple[int, Any], endpoints: list[dict[str, Any]], ok: bool = True) -> None:
        self.ready, self.endpoints, self.ok = ready, endpoints, ok

    async def status(self, _path: str) -> tuple[int, Any]:
        return self.ready

    async def all(self, _path: str) -> list[dict[str, Any]]:
        return self.endpoints

    async def get(self, path: str) -> Any:
        if path == "/v1/audit-log/verify":
            faults = [] if self.ok else [{"kind": "missing", "seq": 5, "detail": "2 entries are gone from here on"}]
            return {"ok": self.ok, "entries": 7, "seq": 9, "hash": "ab12", "faults": faults}
        return {"checks": [{"name": "sums", "ok": self.ok, "detail": "row 7"}]}


async def asked(suite: _Suite) -> dict[str, Diagnosis]:
    client = cast(Client, suite)
    told = [*await readiness(client), *[one async for one in running(client)]]
    return {one.check: one for one in told}


def told(part: str, check: str, state: str) -> dict[str, Any]:
    return {
        "part": part,
        "check": check,
        "state": state,
        "since": "2026-12-01T10:00:00Z",
        "detail": "is so",
        "required": True,
    }


async def test_what_runs_and_what_is_degraded() -> None:
    endpoint = {"status": "enabled", "failing_since": None, "disabled_reason": None, "id": "whe_1"}
    well = await asked(_Suite((200, {"parts": [told("coupon", "bus", "ok")]}), [endpoint]))
    assert {one.verdict for one in well.values()} == {Verdict.OK}
    assert "9, ab12" in well["audit_log"].detail
    failing = endpoint | {"failing_since": "2026-12-01T10:00:00Z"}
    gone = endpoint | {"id": "whe_2", "status": "disabled", "disabled_reason": "gone"}
    poor = await asked(_Suite((200, {"parts": [told("coupon", "bus", "degraded")]}), [endpoint, failing, gone]))
    assert poor["coupon_bus"].verdict is Verdict.WARN
    assert "2026-12-01" in poor["coupon_bus"].detail
    assert poor["webhook_endpoints"].verdict is Verdict.WARN
    assert "whe_2 (gone)" in poor["webhook_endpoints"].detail


async def test_what_does_not_run_and_books_that_do_not_balance() -> None:
    down = (503, {"detail": "…", "parts": [told("coupon", "database", "down")]})
    ill = await asked(_Suite(down, [], ok=False))
    assert ill["coupon_database"].verdict is Verdict.FAIL
    assert (ill["stock"].verdict, "sums: row 7" in ill["stock"].detail) == (Verdict.FAIL, True)
    assert ill["audit_log"].verdict is Verdict.FAIL
    assert "missing 5: 2 entries are gone" in ill["audit_log"].detail
    odd = await asked(_Suite((502, "a proxy's page"), []))
    assert odd["readiness"].verdict is Verdict.FAIL


def test_programs_read_json_and_people_their_language(quanyu: Call) -> None:
    away = f"http://127.0.0.1:{free_port()}"
    code, printed, _ = quanyu("doctor", "--url", away, "--json")
    document = json.loads(printed)
    assert (code, document["ok"]) == (1, False)
    assert {tuple(one) for one in document["checks"]} == {("group", "check", "verdict", "detail")}
    failed = [one for one in document["checks"] if one["verdict"] == "fail"]
    assert [(one["group"], one["check"]) for one in failed] == [("running", "answers")]
    code, printed, _ = quanyu("doctor", "--url", away)
    lines = [line.split()[0] for line in printed.splitlines() if line.startswith("  ")]
    assert (code, lines.count("fail"), lines.count("ok")) == (1, 1, 8)
