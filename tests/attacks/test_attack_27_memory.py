"""Attack 27: bodies that are read before it is known who sends them, and that never end. They fill no memory."""

import asyncio
import json
from typing import Any

import pytest
from kit.gateway import Suite

pytestmark = pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
PIECE = b" " * 1_000_000


class Dripping:
    """A stranger's call at the public application: a large piece of a body, then nothing until it is let go."""

    def __init__(self, suite: Suite, path: str, address: str) -> None:
        self.answers: list[Any] = []
        self.held, self.released = asyncio.Event(), asyncio.Event()
        scope = {
            "type": "http",
            "method": "POST",
            "path": path,
            "raw_path": path.encode(),
            "query_string": b"",
            "headers": [(b"host", b"x"), (b"transfer-encoding", b"chunked")],
            "client": (address, 1),
            "http_version": "1.1",
            "scheme": "http",
        }
        self._pieces = iter([PIECE])
        self.task = asyncio.create_task(suite.gateway.app(scope, self._receive, self._send))

    async def _receive(self) -> dict[str, Any]:
        if (piece := next(self._pieces, None)) is not None:
            return {"type": "http.request", "body": piece, "more_body": True}
        self.held.set()
        await self.released.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Any) -> None:
        self.answers.append(message)
        self.held.set()

    async def settled(self) -> int:
        """The status that it was told; 0 while we wait for more of it."""
        await self.held.wait()
        return int(self.answers[0]["status"]) if self.answers else 0


@pytest.mark.parametrize("path", ["/v1/track", "/v1/hooks/src_1"])
async def test_attack_27_bodies_without_a_key_that_never_end_fill_no_memory(door: Suite, path: str) -> None:
    dripping = [Dripping(door, path, "203.0.113.9") for _ in range(30)]
    told = [await one.settled() for one in dripping]
    assert (told.count(0), told.count(503)) == (16, 14)
    refused = json.loads(next(one for one in dripping if one.answers).answers[1]["body"])
    assert (refused["code"], "Try again" in refused["detail"]) == ("busy", True)
    elsewhere = [Dripping(door, path, f"203.0.113.{number}") for number in range(100, 200)]
    most = [await one.settled() for one in elsewhere]
    assert 60 <= told.count(0) + most.count(0) <= 68
    key = await door.key(kind="publishable")
    valid = await door.client(key, "203.0.113.9").post("/v1/track", json={"event": "x", "userId": "u"})
    assert valid.status_code == 200
    for one in (*dripping, *elsewhere):
        one.released.set()
    await asyncio.gather(*(one.task for one in (*dripping, *elsewhere)))
    again = Dripping(door, path, "203.0.113.9")
    assert await again.settled() == 0
    again.released.set()
    await again.task
