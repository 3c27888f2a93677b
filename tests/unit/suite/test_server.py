"""The end of a server: not ready first, requests at work finish, then it is gone. And its start: an error of it is told."""

import asyncio
import os
import signal
import time
from typing import Any

import httpx
import pytest
from kit.rawhttp import at_the_door

from shared.web.asgi import STREAM, is_stream
from suite import server as serving
from suite.door.connections import Door
from suite.door.limits import Limits
from suite.errors import Stop


class App:
    """Answers /slow after `release` is set, and everything else at once."""

    def __init__(self) -> None:
        self.begun = asyncio.Event()
        self.release = asyncio.Event()
        self.draining = False

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["path"] == "/slow":
            self.begun.set()
            await self.release.wait()
        status = 503 if self.draining and scope["path"] == "/readyz" else 200
        await send({"type": "http.response.start", "status": status, "headers": [(b"content-length", b"2")]})
        await send({"type": "http.response.body", "body": b"ok"})

    def drain(self) -> None:
        self.draining = True


async def test_a_signal_drains_and_an_open_request_finishes() -> None:
    app, up = App(), asyncio.Event()

    async def when_up() -> None:
        up.set()

    with serving.listen("127.0.0.1", 0) as address:
        url = f"http://127.0.0.1:{address.getsockname()[1]}"
        server = asyncio.create_task(
            serving.serve(app, address, Limits(), drain=app.drain, drain_seconds=0.5, when_up=when_up)
        )
        await up.wait()
        async with httpx.AsyncClient(base_url=url) as client:
            assert (await client.get("/readyz")).status_code == 200
            slow = asyncio.create_task(client.get("/slow"))
            await app.begun.wait()
            os.kill(os.getpid(), signal.SIGTERM)
            while not app.draining:  # noqa: ASYNC110 - the app knows no event for it
                await asyncio.sleep(0.01)
            assert (await client.get("/readyz")).status_code == 503, "still serving while load balancers turn away"
            assert not server.done()
            app.release.set()
            assert (await slow).status_code == 200
            await server
            with pytest.raises(httpx.ConnectError):
                await client.get("/readyz")


async def test_a_second_signal_does_not_wait() -> None:
    app, up = App(), asyncio.Event()

    async def when_up() -> None:
        up.set()

    with serving.listen("127.0.0.1", 0) as address:
        server = asyncio.create_task(
            serving.serve(app, address, Limits(), drain=app.drain, drain_seconds=600, when_up=when_up)
        )
        await up.wait()
        os.kill(os.getpid(), signal.SIGTERM)
        while not app.draining:  # noqa: ASYNC110 - as above
            await asyncio.sleep(0.01)
        os.kill(os.getpid(), signal.SIGTERM)
        async with asyncio.timeout(60):
            await server


async def test_an_error_at_the_start_ends_the_server_and_is_told() -> None:
    app = App()

    async def when_up() -> None:
        raise Stop("The demonstration stopped.")

    with serving.listen("127.0.0.1", 0) as address, pytest.raises(Stop, match="The demonstration stopped"):
        await serving.serve(app, address, Limits(), drain=app.drain, drain_seconds=0, when_up=when_up)
    assert app.draining


async def test_a_server_without_callers_hardly_wakes_and_leaves_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    looks = 0
    check = Door.check

    def counted(door: Door, now: float) -> None:
        nonlocal looks
        looks += 1
        check(door, now)

    monkeypatch.setattr(Door, "check", counted)
    async with at_the_door() as front:
        looks = 0
        await asyncio.sleep(2.5)
        assert looks <= 4, "ten a second are for those who are connected"
        await front.line(b"GET /")
        await asyncio.sleep(1.2)
        looks = 0
        await asyncio.sleep(1)
        assert looks >= 5
        await front.lines[-1].close()
        await front.left()
        await asyncio.sleep(1.5)
        leaving = time.monotonic()
    assert time.monotonic() - leaving < 0.7


async def test_figures_have_a_port_of_their_own_until_the_last_request_is_answered() -> None:
    """And a scraper that holds its connection keeps nobody from ending."""
    app, up = App(), asyncio.Event()

    async def when_up() -> None:
        up.set()

    with serving.listen("127.0.0.1", 0) as address:
        url = f"http://127.0.0.1:{address.getsockname()[1]}"
        async with serving.beside(app, "127.0.0.1", 0) as port, httpx.AsyncClient() as client:
            server = asyncio.create_task(
                serving.serve(app, address, Limits(), drain=app.drain, drain_seconds=0, when_up=when_up)
            )
            await up.wait()
            open_request = asyncio.create_task(client.get(f"{url}/slow"))
            await app.begun.wait()
            os.kill(os.getpid(), signal.SIGTERM)
            await asyncio.sleep(0.3)
            with pytest.raises(httpx.ConnectError):
                await client.get(f"{url}/metrics")
            assert (await client.get(f"http://127.0.0.1:{port}/metrics")).status_code == 200
            app.release.set()
            await asyncio.wait_for(asyncio.gather(open_request, server), 10)
            held = httpx.AsyncClient()
            await held.get(f"http://127.0.0.1:{port}/metrics")
            began = time.monotonic()
        assert time.monotonic() - began < 3
        await held.aclose()


async def test_a_port_for_figures_that_is_taken_is_told_by_its_setting() -> None:
    with serving.listen("127.0.0.1", 0) as address:
        address.listen()
        with pytest.raises(Stop, match="QUANYU_METRICS_PORT"):
            async with serving.beside(App(), "127.0.0.1", address.getsockname()[1]):
                pass


async def test_answers_of_a_server_that_is_about_to_end_end_their_connections() -> None:
    """So that none is closed while a request is on its way in."""
    app, up = App(), asyncio.Event()

    async def when_up() -> None:
        up.set()

    with serving.listen("127.0.0.1", 0) as address:
        url = f"http://127.0.0.1:{address.getsockname()[1]}"
        server = asyncio.create_task(
            serving.serve(app, address, Limits(), drain=app.drain, drain_seconds=0.4, when_up=when_up)
        )
        await up.wait()
        async with httpx.AsyncClient(base_url=url) as client:
            assert "connection" not in (await client.get("/")).headers
            os.kill(os.getpid(), signal.SIGTERM)
            while not app.draining:  # noqa: ASYNC110 - the app knows no event for it
                await asyncio.sleep(0.01)
            assert (await client.get("/")).headers["connection"] == "close"
        await server


async def test_an_event_stream_ends_in_good_order_and_holds_nothing_up() -> None:
    class Events(App):
        gone = False

        async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
            headers = [(b"content-type", b"text/event-stream")]
            scope[STREAM] = is_stream(headers)  # as gateway and services do it
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            await send({"type": "http.response.body", "body": b"data: 1\n\n", "more_body": True})
            while (await receive())["type"] != "http.disconnect":
                pass
            self.gone = True

    app, up = Events(), asyncio.Event()

    async def when_up() -> None:
        up.set()

    with serving.listen("127.0.0.1", 0) as address:
        url = f"http://127.0.0.1:{address.getsockname()[1]}"
        server = asyncio.create_task(
            serving.serve(app, address, Limits(), drain=app.drain, drain_seconds=0, when_up=when_up)
        )
        await up.wait()
        async with httpx.AsyncClient(base_url=url) as client, client.stream("GET", "/") as answer:
            pieces = answer.aiter_raw()
            assert await anext(pieces) == b"data: 1\n\n"
            os.kill(os.getpid(), signal.SIGTERM)
            began = time.monotonic()
            assert [piece async for piece in pieces] == [], "an end, not a cut"
        await server
        assert time.monotonic() - began < 5
        assert app.gone
