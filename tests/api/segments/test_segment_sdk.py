"""The real, unmodified Segment SDK for Python against the service, over HTTP."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import segment.analytics as analytics
import uvicorn

from shared.web.identity import SCOPE_KEY, Caller


@asynccontextmanager
async def served(app: Any) -> AsyncIterator[str]:
    """The service behind a port, with the identity that a gateway would have established."""
    caller = Caller("key_sdk", "own_test", "secret", ("segments:events:write",))

    async def door(scope: Any, receive: Any, send: Any) -> None:
        await app({**scope, SCOPE_KEY: caller}, receive, send)

    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        server = uvicorn.Server(uvicorn.Config(door, log_level="warning", lifespan="off"))
        task = asyncio.create_task(server.serve([listener]))
        while not server.started:  # noqa: ASYNC110 - uvicorn offers no event
            await asyncio.sleep(0.01)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        server.should_exit = True
        await task


@pytest.mark.parametrize("gzip", [False, True])
async def test_the_sdk_posts_unmodified(segments: Any, gzip: bool) -> None:
    added = await segments.segment({"event": "Product Added"})
    failures: list[Any] = []
    async with served(segments.running.service.app) as host:
        client = analytics.Client(
            "write-key", host=host, gzip=gzip, on_error=lambda error, items: failures.append(error), max_retries=1
        )
        client.identify("c1", {"city": "上海", "phone": None})
        client.track("c1", "Product Viewed", {"sku": "s1", "price": 19.99, "currency": "CNY"})
        client.track("c1", "Product Added", {"sku": "s1", "price": 19.99, "cart_id": "k1"})
        client.page("c1", "Docs", "Cart")
        client.screen("c1", "Docs", "Cart")
        client.group("c1", "g1", {"size": 5})
        client.alias("anon-1", "c1")
        await asyncio.to_thread(client.shutdown)
    assert failures == []
    assert await segments.members(added) == ["c1"]
    stored = (await segments.get("/v1/profiles/c1/timeline"))["data"]
    assert sorted(one["type"] for one in stored) == ["alias", "group", "identify", "page", "screen", "track", "track"]
    assert {"price": 1999, "sku": "s1", "currency": "CNY"} in [one["properties"] for one in stored]
    assert (await segments.get("/v1/tracking-rejects"))["data"] == []
