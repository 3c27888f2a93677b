"""A part made of rooms is served, hears, works and opens what its rooms add, in their order."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

from fastapi import APIRouter

from shared.clock import SystemClock
from shared.contracts import SegmentChanged
from shared.db import Database, TableModel, Transaction, part_registry
from shared.loops import Loop
from shared.messaging import LocalBus, Subscription
from shared.room import Room, join
from shared.service import Kit, Service
from shared.settings import ServiceSettings
from shared.web import HotRequest, HotRoute


class Base(TableModel, registry=part_registry()):
    """Tables of the house: those that every part has."""


class HouseSettings(ServiceSettings, service="house"):
    pass


class House(Service):
    pass


class Kitchen(Room):
    """Offers its `stove`."""

    def __init__(self, opened: list[str]) -> None:
        self.stove = "stove"
        self.routers = [_router("/v1/meals")]
        self.provides = [self]
        self.loops = [Loop("cook", _nothing)]
        self.resources = [_noting(opened, "kitchen")]


class Parlour(Room):
    def __init__(self, opened: list[str], kitchen: Kitchen) -> None:
        self.warmed_by = kitchen.stove
        self.routers = [_router("/v1/guests")]
        self.hot_routes = [HotRoute("POST", "/v1/visits", "house:visits:write", _visit, "Visit")]
        self.provides = [self]
        self.subscriptions = [Subscription("house.segments", (SegmentChanged,), _heard)]
        self.loops = [Loop("sweep", _nothing)]
        self.resources = [_noting(opened, "parlour")]


async def test_rooms_add_up_in_their_order(tmp_path: Path) -> None:
    settings = HouseSettings(data_dir=tmp_path, migrate_on_start=False)
    clock = SystemClock()
    bus = LocalBus(Database(f"sqlite:///{tmp_path}/bus.db", schema="bus"), clock)
    kit = Kit.create("house", settings, bus, clock, base=Base, migrations="none")
    opened: list[str] = []
    kitchen = Kitchen(opened)
    parlour = Parlour(opened, kitchen)

    service = join(kit, [kitchen, Room(), parlour], description="A house.", kind=House)

    assert type(service) is House
    assert [path for path in service.app.openapi()["paths"] if path.startswith("/v1")] == [
        "/v1/meals",
        "/v1/guests",
        "/v1/visits",
    ]
    assert service.app.openapi()["info"]["description"] == "A house."
    assert service.app.state.provided == {Kitchen: kitchen, Parlour: parlour}
    assert [loop.name for loop in service.loops] == ["relay messages", "prune inbox and answers", "cook", "sweep"]
    assert [one.consumer for one in service.subscriptions] == ["house.segments"]
    service.subscriptions.clear()
    service.loops.clear()
    async with service.running():
        assert opened == ["kitchen", "parlour"]
    assert opened == []


def _router(path: str) -> APIRouter:
    router = APIRouter()

    @router.get(path, tags=["house"])
    async def look() -> str:
        return path

    return router


def _noting(opened: list[str], name: str) -> Callable[[], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def resource() -> AsyncIterator[None]:
        opened.append(name)
        yield
        assert opened.pop() == name  # the last one opened is the first one closed

    return resource


async def _nothing() -> None:
    return None


async def _visit(_request: HotRequest[None]) -> bytes:
    return b"{}"


async def _heard(_tx: Transaction, _event: SegmentChanged, _envelope: object) -> None:
    return None
