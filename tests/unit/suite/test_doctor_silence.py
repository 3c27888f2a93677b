"""What the doctor says of servers that answer and take nothing, in both languages."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from kit.proxy import TcpProxy
from kit.redis_server import own_redis
from kit.servers import BROKER_URL, require

from shared.language import Language
from suite.client import Client
from suite.diagnosis import Diagnosis, Verdict
from suite.running_checks import readiness
from suite.server_checks import servers
from suite.settings import SuiteSettings


async def _found(folder: Path, **given: Any) -> dict[str, Diagnosis]:
    return {one.check: one async for one in servers(SuiteSettings(data_dir=folder, **given))}


async def test_a_redis_that_takes_no_writes_is_told_by_what_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with own_redis(tmp_path / "redis") as redis:

        async def told() -> str:
            found = (await _found(tmp_path / "data", redis_url=redis.url))["redis"]
            assert found.verdict is Verdict.WARN
            return found.detail

        await redis.do("CONFIG", "SET", "maxmemory", "1")
        assert "is full: raise maxmemory" in await told()
        await redis.do("CONFIG", "SET", "maxmemory", "0")
        await redis.do("REPLICAOF", "127.0.0.1", "1")
        assert "is a replica" in await told()
        monkeypatch.setattr("shared.language._spoken", Language.CHINESE)
        assert "只读副本" in await told()


async def test_a_silent_rabbitmq_is_told_in_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    require("rabbitmq")
    monkeypatch.setattr("shared.messaging.rabbit.connection.CALL_SECONDS", 0.5)
    proxy = TcpProxy.before(BROKER_URL, 5672)
    await proxy.start()
    proxy.fall_silent()
    found = (await _found(tmp_path / "data", broker_url=proxy.through(BROKER_URL)))["bus"]
    await proxy.cut()
    assert found.verdict is Verdict.FAIL
    assert "no answer in time" in found.detail
    assert "QUANYU_BROKER_URL" in found.detail


@pytest.mark.parametrize(
    ("language", "words"), [(Language.ENGLISH, "names it; make room"), (Language.CHINESE, "请腾出空间")]
)
async def test_an_alarm_of_rabbitmq_comes_with_what_to_do(
    monkeypatch: pytest.MonkeyPatch, language: Language, words: str
) -> None:
    monkeypatch.setattr("shared.language._spoken", language)
    detail = "RabbitMQ is short of memory or disk and takes no messages"
    part = {"part": "coupon", "check": "bus", "state": "degraded", "detail": detail, "since": "2026-11-11T02:00:00Z"}

    async def status(_: str) -> tuple[int, Any]:
        return 200, {"parts": [part]}

    _, bus = await readiness(cast("Client", SimpleNamespace(status=status)))
    assert bus.verdict is Verdict.WARN
    assert words in bus.detail
