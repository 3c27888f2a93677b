"""A redis-server of a test's own, which may be filled, made a replica of nobody, and ended."""

import asyncio
import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from kit.servers import free_port
from redis.asyncio import Redis
from redis.exceptions import RedisError


class OwnRedis:
    """Runs at `port` of 127.0.0.1."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.url = f"redis://127.0.0.1:{port}/0"

    async def do(self, *command: Any) -> Any:
        """One command, past whatever stands between."""
        async with Redis.from_url(self.url) as redis:
            return await redis.execute_command(*command)  # type: ignore[no-untyped-call]

    async def answers(self) -> bool:
        try:
            return bool(await self.do("PING"))
        except (RedisError, OSError):
            return False


@asynccontextmanager
async def own_redis(folder: Path) -> AsyncIterator[OwnRedis]:
    """In `folder`, which it needs to save."""
    program = shutil.which("redis-server")
    if program is None:
        if os.environ.get("CI") == "true":
            pytest.fail("redis-server is not installed")
        pytest.skip("redis-server is not installed: this test was not run")
    folder.mkdir()  # noqa: ASYNC240 - a test's
    found = OwnRedis(free_port())
    chosen = {
        "port": str(found.port),
        "bind": "127.0.0.1",
        "dir": str(folder),
        "save": "",
        "enable-debug-command": "local",
    }
    arguments = [word for name, value in chosen.items() for word in (f"--{name}", value)]
    process = await asyncio.create_subprocess_exec(program, *arguments, stdout=asyncio.subprocess.DEVNULL)
    try:
        async with asyncio.timeout(20):
            while not await found.answers():  # noqa: ASYNC110 - nobody tells
                await asyncio.sleep(0.05)
        yield found
    finally:
        process.kill()
        await process.wait()
