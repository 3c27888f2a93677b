"""A RabbitMQ that says nothing any more, or takes no messages: calls end in time, nothing is lost, no effect is doubled.

The proxy plays them. After public reports: aio-pika #506 (nobody is told of a blocked connection), pika #764 (closing hangs on
a blocked connection) and #1010 (no goodbye to a broker whose heartbeats stay away), rabbitmq-server #23 (a message is
published when it is confirmed, not when it is sent).
"""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator
from functools import partial
from urllib.parse import urlsplit

import pytest
from kit import servers
from kit.proxy import TcpProxy
from messaging.arrangement import Arrangement, until
from messaging.conftest import RunProbe
from messaging.probe import FIRST, effects, low, record, recording, subscription, tell
from messaging.watching import settled, skus
from pamqp import commands, frame
from structlog.testing import capture_logs

from shared.contracts import Envelope, StockLow
from shared.db import Transaction
from shared.messaging import BusUnavailable, Pack
from shared.messaging.rabbit import RabbitBus
from shared.observability.logging import configure_logging
from shared.readiness import State, is_ready
from shared.service import Service

pytestmark = pytest.mark.parametrize("servers_of_arrangement", ["rabbit"], indirect=True)
_HEARTBEAT, _SILENCE = 2, 3.0
_IN_TIME = _SILENCE + 4.0  # two slow cores


@pytest.fixture
async def proxy(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[TcpProxy]:
    monkeypatch.setattr("shared.messaging.rabbit.connection.SILENT_HEARTBEATS", _SILENCE / _HEARTBEAT)
    monkeypatch.setattr("shared.messaging.rabbit.connection.CALL_SECONDS", 3.0)
    found = TcpProxy.before(servers.BROKER_URL, 5672)
    await found.start()
    yield found
    await found.cut()


@pytest.fixture
async def bus(arrangement: Arrangement, proxy: TcpProxy) -> AsyncIterator[RabbitBus]:
    found = _bus(arrangement, proxy)
    await found.start()
    yield found
    proxy.let_read()
    proxy.speak()
    await found.stop()


def _bus(arrangement: Arrangement, proxy: TcpProxy, heartbeat: int = _HEARTBEAT) -> RabbitBus:
    url = f"{proxy.through(servers.BROKER_URL)}?heartbeat={heartbeat}"
    return RabbitBus(url, prefix=arrangement.place.prefix, retry_seconds=(0.2, 0.4, 0.6), name="qt", watch_seconds=60)


async def _quickly(service: Service, sku: str) -> None:
    """Who writes does not wait for the broker."""
    started = time.monotonic()
    await tell(service, low(sku))
    assert time.monotonic() - started < 2


async def _told(bus: RabbitBus, words: str, seconds: float) -> None:
    async def noticed() -> bool:
        return any(words in problem for problem in bus.health())

    await until(noticed, words, seconds)


async def _well(bus: RabbitBus) -> bool:
    return bus.health() == []


@pytest.mark.parametrize(
    "silence",
    [{}, {"answers_only": True}, {"new": False}],
    ids=["nothing passes", "answers are lost", "old connections only"],
)
async def test_nothing_is_lost_or_doubled_by_a_silence(
    bus: RabbitBus, proxy: TcpProxy, run_probe: RunProbe, silence: dict[str, bool]
) -> None:
    """Messages wait, are on their way and at work when it begins."""

    async def slowly(tx: Transaction, event: StockLow, envelope: Envelope) -> None:
        await asyncio.sleep(0.02)
        await record(tx, FIRST, envelope)

    service = await run_probe(subscription(FIRST, slowly), bus=bus)
    await tell(service, *(low(sku) for sku in skus(60, "before")))
    await until(partial(_some, service), "the first took effect")
    proxy.fall_silent(**silence)
    for sku in skus(20, "during"):
        await _quickly(service, sku)
    if silence.get("new", True):
        await _told(bus, "RabbitMQ", _IN_TIME)
        checks = {check.check: check for check in await service.readiness()}
        assert (checks["bus"].state, is_ready(list(checks.values()))) == (State.DEGRADED, True)
        await asyncio.sleep(1)
        proxy.speak()
    await settled(service, Counter(skus(60, "before") + skus(20, "during")), seconds=30)
    await until(partial(_well, bus), "health() is clean again")
    assert await service.relay.backlog() == 0
    assert await bus.parked(FIRST) == []


async def _some(service: Service) -> bool:
    return bool(await effects(service))


async def test_a_silence_is_noticed_while_nothing_is_sent(bus: RabbitBus, proxy: TcpProxy, run_probe: RunProbe) -> None:
    await run_probe(recording(FIRST, StockLow), bus=bus)
    await asyncio.sleep(_SILENCE + 1)
    assert bus.health() == [], "heartbeats keep an idle connection"
    proxy.fall_silent()
    started = time.monotonic()
    await _told(bus, f"does not answer: nothing heard for {_SILENCE:g} s", _IN_TIME)
    assert time.monotonic() - started > _SILENCE - _HEARTBEAT
    await _told(bus, "can't be reached: no answer in time", _IN_TIME)
    proxy.speak()
    await until(partial(_well, bus), "it comes back by itself")


async def test_a_virtual_host_that_is_not_there_is_called_so(arrangement: Arrangement) -> None:
    url = urlsplit(servers.BROKER_URL)._replace(path="/quanyu_nowhere").geturl()
    bus = RabbitBus(url, prefix=arrangement.place.prefix)
    await bus.start()
    try:
        assert bus.health()[0].endswith("the virtual host in its URL is not there, or this user may not use it")
    finally:
        await bus.stop()


async def test_nothing_waits_for_a_silent_broker_at_start_and_end(
    arrangement: Arrangement, proxy: TcpProxy, run_probe: RunProbe
) -> None:
    proxy.fall_silent()
    silent = _bus(arrangement, proxy)
    started = time.monotonic()
    await silent.start()
    service = await run_probe(recording(FIRST, StockLow), bus=silent)
    assert time.monotonic() - started < 3 + 2, "the first attempt's deadline"
    assert silent.health()[0] == "RabbitMQ can't be reached: no answer in time"
    await _quickly(service, "early")
    proxy.speak()
    await settled(service, Counter(["early"]))
    proxy.fall_silent()
    started = time.monotonic()
    await silent.stop()
    assert time.monotonic() - started < 8
    proxy.speak()


async def test_closing_does_not_wait_for_a_broker_that_reads_nothing(arrangement: Arrangement, proxy: TcpProxy) -> None:
    """What is not sent yet is in buffers, which no goodbye gets past."""
    found = _bus(arrangement, proxy, heartbeat=60)
    await found.start()
    await found.declare(FIRST, ["stock.low"])
    proxy.hold_back()
    sending = asyncio.create_task(found.publish([Pack(f"evt_{n}", "stock.low", b"x" * 1_000_000) for n in range(40)]))
    await asyncio.sleep(1)
    started = time.monotonic()
    await found.stop()
    assert time.monotonic() - started < 8
    with pytest.raises(BusUnavailable):
        await sending
    proxy.let_read()


async def test_a_broker_short_of_memory_is_told_by_name_and_nothing_is_sent_to_it(
    arrangement: Arrangement, proxy: TcpProxy, run_probe: RunProbe
) -> None:
    configure_logging("json", "info")
    found = _bus(arrangement, proxy, heartbeat=60)
    await found.start()
    service = await run_probe(recording(FIRST, StockLow), bus=found)
    await tell(service, low("before"))
    await settled(service, Counter(["before"]))
    with capture_logs() as logged:
        proxy.hold_back()
        proxy.say(frame.marshal(commands.Connection.Blocked("low on memory"), 0))
        await _told(found, "takes no messages", 3)
        started = time.monotonic()
        with pytest.raises(BusUnavailable, match="short of memory or disk"):
            await found.publish([Pack("evt_1", "stock.low", b"[]")])
        assert time.monotonic() - started < 0.5, "it is known already"
        for sku in skus(20, "during"):
            await _quickly(service, sku)
        checks = {check.check: check for check in await service.readiness()}
        assert checks["bus"].state is State.DEGRADED
        assert "short of memory or disk" in checks["bus"].detail
        assert is_ready(list(checks.values()))
        proxy.let_read()
        proxy.say(frame.marshal(commands.Connection.Unblocked(), 0))
        await settled(service, Counter(["before", *skus(20, "during")]))
    told = [line["event"] for line in logged if line.get("connection") == "qt publisher"]
    assert told == ["RabbitMQ is short of memory or disk and takes no messages", "RabbitMQ takes messages again"]
    assert found.health() == []
    await found.stop()


async def test_what_was_on_its_way_to_a_broker_short_of_memory_comes_once(
    arrangement: Arrangement, proxy: TcpProxy, run_probe: RunProbe, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The alarm is told because of the message that then waits: it is not confirmed in time, and sent again."""
    monkeypatch.setattr("shared.messaging.rabbit.publisher.CONFIRM_SECONDS", 1.0)
    found = _bus(arrangement, proxy, heartbeat=60)
    await found.start()
    service = await run_probe(recording(FIRST, StockLow), bus=found)
    proxy.hold_back()
    await tell(service, *(low(sku) for sku in skus(5)))
    await asyncio.sleep(0.3)
    proxy.say(frame.marshal(commands.Connection.Blocked("low on disk"), 0))
    await _told(found, "takes no messages", 3)
    await asyncio.sleep(2)
    assert await service.relay.backlog() == 1, "one pack of five messages"
    proxy.let_read()
    proxy.say(frame.marshal(commands.Connection.Unblocked(), 0))
    await settled(service, Counter(skus(5)))
    await found.stop()
