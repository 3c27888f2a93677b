"""The commands of docs/deploying.md: a backup while the suite runs, everything wiped, restored, and the books are right."""

import asyncio
import os
import re
import shutil
import sys
from pathlib import Path

import pytest
from kit import servers
from kit.postgres import TestDatabase
from scenarios.arrangements import ROOT, RunningSuite, arrange

from suite.processes import WHOLE

pytestmark = pytest.mark.slow
PAGES = ("deploying.md", "deploying.zh-CN.md")


def commands(page: str = PAGES[0]) -> dict[str, str]:
    found = re.findall(r"<!-- run: ([^>]+) -->\n```bash\n(.*?)^```", (ROOT / "docs" / page).read_text(), re.M | re.S)
    return dict(found)


async def run(suite: RunningSuite, script: str, folder: Path, **environment: str) -> str:
    """The script as an operator types it, in this folder, with the suite's settings."""
    (folder / "bin").mkdir(exist_ok=True)
    quanyu = folder / "bin" / "quanyu"
    quanyu.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m suite "$@"\n')
    quanyu.chmod(0o755)
    process = await asyncio.create_subprocess_exec(
        "bash", "-euc", script, cwd=folder,
        env={
            **suite.environment, "QUANYU_URL": suite.url, "COLUMNS": "160", "LANG": "C.UTF-8", **environment,
            "PATH": f"{folder / 'bin'}:{os.environ['PATH']}",
        },
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    printed = (await process.communicate())[0].decode()
    assert process.returncode == 0, printed
    return printed


async def told(suite: RunningSuite) -> dict[str, object]:
    """What a merchant has after the tour: to be there again afterwards."""
    async with suite.client() as client:
        lists = ("coupon-templates", "promotions", "segments", "journeys", "locations", "keys")
        found: dict[str, object] = {name: await client.all(f"/v1/{name}") for name in lists}
        found["messages"] = await client.all("/v1/order-messages")
        return found


def test_both_pages_have_the_same_commands() -> None:
    first, second = (commands(page) for page in PAGES)
    assert first == second
    assert len(first) == 5


async def test_files_come_back(tmp_path: Path) -> None:
    typed = commands()
    async with arrange("embedded", tmp_path, None, QUANYU_WEBHOOKS_ALLOW_PRIVATE="false") as suite:
        printed = await run(suite, "quanyu tour", tmp_path)
        assert "url_refused" in printed, "a suite that was not told otherwise sends nothing to this machine"
        assert "left out: this suite sends webhooks to the internet only" in printed
        assert "The story is complete" in printed
        before = await told(suite)
        await run(suite, typed["backup of files"], tmp_path)
        await suite.processes.stop()
        shutil.rmtree(suite.data_dir)
        await run(suite, typed["restore of files"], tmp_path)
        await suite.processes.start(WHOLE)
        await suite.processes.ready([WHOLE])
        assert await told(suite) == before
        looked = await run(suite, typed["look"], tmp_path)
        assert ("every part is ready" in looked, " fail " in looked) == (True, False), looked


async def test_postgresql_comes_back(tmp_path: Path) -> None:
    for server in ("postgresql", "rabbitmq"):
        servers.require(server)
    typed, database = commands(), TestDatabase("restored")
    database.create()
    try:
        async with arrange("servers", tmp_path, database.url) as suite:
            await run(suite, "quanyu tour", tmp_path)
            before = await told(suite)
            await run(suite, typed["backup of postgresql"], tmp_path, DATABASE=database.url)
            assert (tmp_path / "quanyu.dump").stat().st_mode & 0o077 == 0
            await suite.processes.stop()
            database.clear()
            await run(suite, typed["restore of postgresql"], tmp_path, DATABASE=database.url)
            await suite.processes.start(WHOLE)
            await suite.processes.ready([WHOLE])
            assert await told(suite) == before
            looked = await run(suite, typed["look"], tmp_path)
            assert ("every part is ready" in looked, " fail " in looked) == (True, False), looked
    finally:
        database.drop()
