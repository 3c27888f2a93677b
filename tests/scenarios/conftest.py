"""The story's arrangement as a fixture, and the story itself with real outside parties."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest
from kit import servers
from kit.postgres import TestDatabase
from rich.console import Console
from scenarios.apps import SegmentApp, verify_all
from scenarios.arrangements import ON_FILES, RunningSuite, arrange

from suite.client import Client
from suite.tour.receiver import open_receiver
from suite.tour.shop import Shop
from suite.tour.stage import Stage
from suite.tour.story import Story

StartSuite = Callable[..., AbstractAsyncContextManager[RunningSuite]]


@pytest.fixture
def start_suite(request: pytest.FixtureRequest, tmp_path: Path) -> StartSuite:
    """`async with start_suite("each_alone", QUANYU_DRAIN_SECONDS="5") as suite:`, on fresh servers unless
    the test's parameter `kind` is on files."""
    callspec = getattr(request.node, "callspec", None)
    url: str | None = None
    if callspec is None or callspec.params.get("kind") not in ON_FILES:
        servers.require("rabbitmq")
        database: TestDatabase = request.getfixturevalue("_worker_database")
        database.create()  # made again: empty, also after a test that was killed
        url = database.url
    return lambda kind, **other: arrange(kind, tmp_path, url, **other)


@asynccontextmanager
async def open_story(suite: RunningSuite, run: str, *, patience: float, stubborn: bool = False) -> AsyncIterator[Story]:
    """The story on this suite; at the end each delivery of the partner is verified by the reference library."""
    apps: list[SegmentApp] = []

    def new_app(client: Client, write_key: str) -> SegmentApp:
        apps.append(SegmentApp(client, write_key))
        return apps[-1]

    stage = Stage(Console(width=200, color_system=None), patience)
    async with open_receiver() as receiver, suite.client(stubborn=stubborn) as client:
        try:
            yield Story(client, stage, receiver, Shop(run, timeout="1s"), new_app)
            verify_all(receiver)
        finally:
            for app in apps:
                await app.close()
