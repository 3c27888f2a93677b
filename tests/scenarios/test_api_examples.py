"""Each example of the documentation is made against the sample shop, and answered as the documentation shows.

With `QUANYU_TEST_WRITE_EXAMPLES=1` what is answered becomes what the documentation shows.
"""

import asyncio
import io
import json
import os
import re
import subprocess
from html import unescape

import httpx
import pytest
from kit.api_examples import Recording, differences, shape
from rich.console import Console
from scenarios.arrangements import RunningSuite
from scenarios.conftest import StartSuite

from gateway.docs.examples import FILE, recorded
from gateway.routes import ROUTES
from suite import sampleshop

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("kind", ["embedded"])
async def test_every_example_works_as_it_is_shown(start_suite: StartSuite, kind: str) -> None:
    async with start_suite(kind) as suite:
        async with suite.client() as client:
            await sampleshop.load(client, Console(file=io.StringIO()))
        keyed = {"authorization": f"Bearer {suite.key}"}
        async with httpx.AsyncClient(base_url=suite.url, headers=keyed, timeout=60) as caller:
            recording = Recording(caller)
            await recording.play()
            for language in ("en", "zh"):
                page = (await caller.get("/", params={"lang": language})).text
                printed = await asyncio.to_thread(_typed, page, suite)
                assert '"name":"双11 满300减50"' in printed, "what the first page tells to type"
    assert recording.wrong == []
    wanted = {f"{route.method} {route.template}" for route in ROUTES if route.template.startswith("/v1/")}
    assert recording.shown.keys() == wanted, "an operation without an example: tests/kit/api_examples.txt"
    if os.environ.get("QUANYU_TEST_WRITE_EXAMPLES") == "1":
        FILE.write_text(json.dumps(recording.examples, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
        recorded.cache_clear()
    stale = [place for place in differences(shape(recorded()), shape(recording.examples)) if "/parameters" not in place]
    assert stale == [], "run this test with QUANYU_TEST_WRITE_EXAMPLES=1, and look at what has changed"
    for status, problem in recorded()["refusals"].items():
        now = recording.examples["refusals"][status]
        assert (problem["status"], problem["code"]) == (now["status"], now["code"]), status


def _typed(page: str, suite: RunningSuite) -> str:
    """What the command of that page prints in bash, with this suite's address and key file."""
    (shown,) = re.findall(r"<pre><code>(.*?)</code></pre>", page, re.DOTALL)
    command = unescape(re.sub(r"<[^>]+>", "", shown)).replace("http://127.0.0.1:8000", suite.url)
    command = command.replace("data/admin.key", str(suite.data_dir / "admin.key"))
    run = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=True, timeout=60)
    return run.stdout
