"""What only the RabbitMQ bus has: its watchdog, the properties of its messages, the broker's own limit, its topology."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from typing import Any

import aio_pika
import pytest
from aio_pika.abc import AbstractChannel
from kit import servers
from messaging.arrangement import Arrangement, until
from messaging.conftest import RunProbe
from messaging.probe import FIRST, OTHER, SECOND, effects, low, recording, sold_out, subscription, tell

from shared.contracts import Envelope, StockLow
from shared.db import Transaction
from shared.messaging import BusUnavailable, Failed, Pack
from shared.messaging.bus import Handler
from shared.messaging.rabbit import RabbitBus
from shared.messaging.topology import Topology
from shared.observability.context import Cause, current_cause
from shared.service import Service

pytestmark = pytest.mark.parametrize("servers_of_arrangement", ["rabbit"], indirect=True)


@pytest.fixture
async def broker() -> AsyncIterator[AbstractChannel]:
    """A channel of the test's own, past the proxy."""
    async with await aio_pika.connect(servers.BROKER_URL) as connection:
        yield await connection.channel()


async def test_a_deleted_queue_is_made_and_subscribed_again(
    arrangement: Arrangement, run_probe: RunProbe, broker: AbstractChannel
) -> None:
    service = await run_probe(recording(FIRST, StockLow))
    await broker.queue_delete(Topology(arrangement.place.prefix, ()).queue(FIRST))
    bus = service.kit.bus

    async def noticed() -> bool:
        return bus.health() != []

    async def well() -> bool:
        return bus.health() == []

    await until(noticed, "health() tells that the consumer is gone")
    await until(well, "subscribed again")
    await tell(service, low("after"))
    await until(lambda: took_effect(service, "after"), "the new queue is consumed")


async def test_the_watchdog_finds_a_consumer_that_went_away_without_a_word(
    arrangement: Arrangement, run_probe: RunProbe
) -> None:
    service = await run_probe(recording(FIRST, StockLow))
    bus = service.kit.bus
    assert isinstance(bus, RabbitBus)
    transport = bus._consuming.connection().transport
    assert transport is not None
    channels: list[Any] = [one for one in transport.connection.channels.values() if one is not None]
    (channel,) = (one for one in channels if one.consumers)
    for tag in list(channel.consumers):
        await channel.basic_cancel(tag)  # behind the bus's back: no error and no notice reach it
    await tell(service, low("unheard"))
    await until(lambda: took_effect(service, "unheard"), "the watchdog subscribed again")


async def took_effect(service: Service, sku: str) -> bool:
    return (await effects(service))[sku] == 1


async def test_messages_carry_what_other_tools_need(
    arrangement: Arrangement, run_probe: RunProbe, broker: AbstractChannel
) -> None:
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    service = await run_probe()
    await service.kit.bus.declare(FIRST, ["stock.low"])
    token = current_cause.set(Cause("req_1", None, trace))
    (message_id,) = await tell(service, low("a"))
    current_cause.reset(token)
    queue = await broker.get_queue(Topology(arrangement.place.prefix, ()).queue(FIRST))

    async def arrived() -> bool:
        return (await broker.declare_queue(queue.name, passive=True)).declaration_result.message_count == 1

    await until(arrived, "one message in the queue")
    message = await queue.get()
    assert message.message_id == message_id
    assert (message.type, message.routing_key) == ("stock.low", "stock.low")
    assert message.content_type == "application/json"
    assert message.delivery_mode == aio_pika.DeliveryMode.PERSISTENT
    assert message.headers["traceparent"] == trace
    assert [one["id"] for one in json.loads(message.body)] == [message_id]


async def test_a_message_that_kills_its_consumer_again_and_again_is_parked_by_the_broker(
    arrangement: Arrangement, broker: AbstractChannel
) -> None:
    place = arrangement.place
    bus = RabbitBus(place.bus_url, prefix=place.prefix, name="qt", watch_seconds=60, delivery_limit=2)
    await bus.start()
    await bus.declare(FIRST, ["stock.low"])
    await bus.publish([Pack("evt_heavy", "stock.low", b"[]")])
    name = bus.topology.queue(FIRST)
    for _ in range(3):
        async with await aio_pika.connect(servers.BROKER_URL) as connection:
            channel = await connection.channel()
            message = await (await channel.get_queue(name, ensure=False)).get(timeout=5)
            await message.reject(requeue=True)

    async def parked() -> bool:
        return [(one.id, one.error) for one in await bus.parked(FIRST)] == [("evt_heavy", "delivery_limit")]

    await until(parked, "parked by the broker")
    await bus.stop()


async def test_two_processes_share_one_queue(arrangement: Arrangement, run_probe: RunProbe) -> None:
    handled: list[Counter[str]] = [Counter(), Counter()]

    def counting(number: int) -> Handler:
        async def handle(tx: Transaction, event: StockLow, envelope: Envelope) -> None:
            handled[number][event.sku] += 1
            await asyncio.sleep(0.01)

        return handle

    service = await run_probe(subscription(FIRST, counting(0)))
    await run_probe(subscription(FIRST, counting(1)))
    for number in range(200):
        await tell(service, low(f"sku-{number}"))

    async def all_handled() -> bool:
        return sum(handled, Counter()).total() >= 200

    await until(all_handled, "all handled by one or the other")
    assert set(sum(handled, Counter()).values()) == {1}
    assert all(handled)


async def test_publishing_without_a_broker_says_so_at_once(arrangement: Arrangement, run_probe: RunProbe) -> None:
    service = await run_probe()
    async with arrangement.broker_away():
        async with asyncio.timeout(60):
            with pytest.raises(BusUnavailable, match="RabbitMQ"):
                for _ in range(50):  # the first may still find the connection in good looks
                    await service.kit.bus.publish([Pack("evt_1", "stock.low", b"[]")])
                    await asyncio.sleep(0.01)
        assert "guest" not in " ".join(service.kit.bus.health())  # no password in what readiness shows


async def test_parked_messages_can_be_asked_for_without_consuming(
    arrangement: Arrangement, run_probe: RunProbe
) -> None:
    async def refuse(packs: Sequence[Pack]) -> list[Failed]:
        return [Failed(pack, "no") for pack in packs]

    service = await run_probe(retry_seconds=())
    await service.kit.bus.subscribe(OTHER, ["stock.low", "stock.sold_out"], refuse)
    ids = await tell(service, low("a"), sold_out("b"))
    operator = arrangement.place.bus()  # the command line: another process, that subscribes to nothing
    await operator.start()

    async def parked() -> bool:
        return sorted(one.id for one in await operator.parked(OTHER)) == sorted(ids)

    await until(parked, "both parked")
    await service.kit.bus.unsubscribe(OTHER)
    assert await operator.replay(OTHER, ids[:1]) == 1
    assert await operator.drop(OTHER) == 1
    assert await operator.parked(OTHER) == []
    assert await operator.parked(SECOND) == []  # a queue that nobody ever declared
    await operator.stop()
