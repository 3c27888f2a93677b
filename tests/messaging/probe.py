"""A tiny service with tables of its own, built from the real kit: it publishes facts and records what reaches it.

`probe_effect` has no unique key on purpose: a handler that takes effect twice leaves two rows.
"""

from collections import Counter
from collections.abc import Sequence

from sqlalchemy import insert, select
from sqlmodel import Field

from shared.clock import Clock, SystemClock
from shared.contracts import Envelope, Event, StockBackInStock, StockLow, StockSoldOut
from shared.db import AutoId, TableModel, Transaction, part_registry
from shared.messaging import Bus, Subscription
from shared.messaging.bus import Handler
from shared.service import Kit, Service
from shared.settings import ServiceSettings

FIRST, SECOND, OTHER = "probe.first", "probe.second", "probe.other"
CONSUMERS = (FIRST, SECOND, OTHER)


class Base(TableModel, registry=part_registry()):
    """Tables of the probe."""


class Fact(Base, table=True):
    """A state change that a message tells of."""

    __tablename__ = "probe_fact"
    seq: int | None = Field(None, primary_key=True, sa_type=AutoId)
    sku: str


class Effect(Base, table=True):
    """One time that a handler took effect."""

    __tablename__ = "probe_effect"
    seq: int | None = Field(None, primary_key=True, sa_type=AutoId)
    consumer: str
    message_id: str
    sku: str


class ProbeSettings(ServiceSettings, service="probe"):
    """Nothing of its own."""


class Refused(Exception):
    """What a handler raises about a message that it can't handle."""


async def record(tx: Transaction, consumer: str, envelope: Envelope) -> None:
    """Take effect: one row. Messages about a SKU that begins with `poison` are refused after the row was written."""
    sku = envelope.payload["sku"]
    await tx.run(insert(Effect.table), {"consumer": consumer, "message_id": envelope.id, "sku": sku})
    if sku.startswith("poison"):
        raise Refused(f"{sku} can't be handled")


def recording(consumer: str, *events: type[Event]) -> Subscription:
    async def handle(tx: Transaction, event: Event, envelope: Envelope) -> None:
        await record(tx, consumer, envelope)

    return Subscription(consumer, events, handle)


def subscription(consumer: str, handle: Handler, *events: type[Event]) -> Subscription:
    return Subscription(consumer, events or (StockLow,), handle)


def create_probe(
    settings: ServiceSettings, bus: Bus, clock: Clock | None = None, subscriptions: Sequence[Subscription] = ()
) -> Service:
    kit = Kit.create("probe", settings, bus, clock or SystemClock(), base=Base, migrations="messaging.probe_migrations")
    return Service(kit, app=None, subscriptions=subscriptions)


def low(sku: str) -> StockLow:
    return StockLow(sku=sku, available=1)


def sold_out(sku: str) -> StockSoldOut:
    return StockSoldOut(sku=sku, available=0)


def back(sku: str) -> StockBackInStock:
    return StockBackInStock(sku=sku, available=5)


async def tell(service: Service, *events: Event) -> list[str]:
    """Change state and publish in one transaction, as every service does. Answers the message ids."""
    async with service.kit.db.write() as tx:
        await tx.run(insert(Fact.table), [{"sku": getattr(event, "sku", "")} for event in events])
        return await service.kit.outbox.publish(tx, events)


async def effects(service: Service, consumer: str = FIRST) -> Counter[str]:
    """How often each SKU's message took effect with this consumer."""
    async with service.kit.db.read() as tx:
        return Counter(await tx.scalars(select(Effect.c.sku).where(Effect.c.consumer == consumer)))


async def facts(service: Service) -> list[str]:
    """The SKUs of all state changes that were committed."""
    async with service.kit.db.read() as tx:
        return await tx.scalars(select(Fact.c.sku))
