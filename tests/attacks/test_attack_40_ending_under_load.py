"""Attack 40: processes end under load, as an upgrade does it. No request fails, and no POST is made twice."""

import asyncio
import sys
import textwrap
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from api.gateway.forwarderkit import Call, sign
from kit.servers import free_port

from gateway.forwarding import instances
from gateway.forwarding.http import HttpForwarder
from gateway.forwarding.pool import Bounds

DRAIN_SECONDS = 0.8
CALLERS, CALLS = 12, 100
PROGRAM = textwrap.dedent(
    """
    import asyncio, sys
    from suite.door.limits import Limits
    from suite.server import listen, serve

    ready, made = 200, open(sys.argv[2], "a", buffering=1)

    async def app(scope, receive, send):
        body = (await receive())["body"]
        status = ready if scope["path"] == "/readyz" else 200
        if scope["method"] == "POST":
            made.write(body.decode() + chr(10))
            await asyncio.sleep(0.01)
        await send({"type": "http.response.start", "status": status, "headers": [(b"content-length", b"2")]})
        await send({"type": "http.response.body", "body": b"ok"})

    def drain():
        global ready
        ready = 503

    async def main():
        async def up():
            print("up", flush=True)
        with listen("127.0.0.1", int(sys.argv[1])) as address:
            await serve(app, address, Limits(), drain=drain, drain_seconds=float(sys.argv[3]), when_up=up)

    asyncio.run(main())
    """
)


@asynccontextmanager
async def running(port: int, made: Path) -> AsyncIterator[asyncio.subprocess.Process]:
    """The server of every part of ours, with an application that notes each POST that it gets."""
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-c", PROGRAM, str(port), str(made), str(DRAIN_SECONDS), stdout=asyncio.subprocess.PIPE
    )
    try:
        assert child.stdout is not None
        assert await asyncio.wait_for(child.stdout.readline(), 60) == b"up\n"
        yield child
    finally:
        if child.returncode is None:
            child.kill()
        await child.wait()


async def test_attack_40_processes_end_under_load_and_no_request_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(instances, "LOOK_SECONDS", 0.1)
    made, ports = tmp_path / "made", (free_port(), free_port())
    forwarder = HttpForwarder("coupon", [f"http://127.0.0.1:{port}" for port in ports], sign, Bounds())
    failures: list[BaseException] = []

    async def caller(number: int) -> None:
        for turn in range(CALLS):
            try:
                call = await Call("POST", [f"{number}-{turn}".encode()]).through(forwarder)
                assert (call.status, call.complete) == (200, True)
            except Exception as error:
                failures.append(error)

    async with running(ports[0], made) as first, running(ports[1], made):
        callers = [asyncio.create_task(caller(number)) for number in range(CALLERS)]
        await asyncio.sleep(0.3)
        first.terminate()
        assert await first.wait() == 0
        async with running(ports[0], made):
            await asyncio.gather(*callers)
    await forwarder.aclose()
    assert failures == []
    counts = Counter(made.read_text().split())
    assert len(counts) == CALLERS * CALLS
    assert counts.most_common(1)[0][1] == 1
