"""Several instances of one service: who gets a request, and what a dead, slow, leaving or returning one costs its callers."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import pytest
from api.gateway.forwarderkit import OK, Call, refusal, sign
from kit.servers import free_port
from kit.upstream import RawServer, read_request

from gateway.forwarding import instance, instances
from gateway.forwarding.http import HttpForwarder
from gateway.forwarding.pool import Bounds


class One:
    """An instance that answers with its name, `seconds` later. `ready` is what /readyz says."""

    def __init__(self, name: str, seconds: float = 0) -> None:
        self.name = name
        self.ready = True
        self.seconds = seconds
        self.calls = self.probes = 0
        self.server = RawServer(self._serve)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            head, _ = await read_request(reader)
            if head.startswith(b"GET /readyz "):
                self.probes += 1
                status = b"200 OK" if self.ready else b"503 Service Unavailable"
                writer.write(b"HTTP/1.1 %b\r\ncontent-length: 0\r\n\r\n" % status)
                continue
            self.calls += 1
            await asyncio.sleep(self.seconds)
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\n" + self.name.encode())


@asynccontextmanager
async def before(*ones: One, dead: int = 0, **bounds: Any) -> AsyncIterator[HttpForwarder]:
    """A forwarder in front of these, and of as many that are not there."""
    async with AsyncExitStack() as stack:
        urls = [(await stack.enter_async_context(one.server.running())).url for one in ones]
        urls += [f"http://127.0.0.1:{free_port()}" for _ in range(dead)]
        forwarder = HttpForwarder("coupon", urls, sign, Bounds(**bounds))
        stack.push_async_callback(forwarder.aclose)
        yield forwarder


async def ask(forwarder: HttpForwarder, method: str = "GET") -> str:
    body = [b"x"] if method == "POST" else []
    return (await Call(method, body).through(forwarder)).body.decode()


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(instances, "LOOK_SECONDS", 0.02)
    monkeypatch.setattr(instances, "UNWELL_SECONDS", 0.02)
    monkeypatch.setattr(instance, "UNWELL_SECONDS", 0.02)


async def until(forwarder: HttpForwarder, well: int) -> None:
    for _ in range(500):
        if forwarder.instances.well == well:
            return
        await asyncio.sleep(0.01)
        await ask(forwarder)
    raise AssertionError(f"{forwarder.instances.well} are well")


async def test_calls_one_after_the_other_go_round() -> None:
    async with before(One("a"), One("b"), One("c")) as forwarder:
        answers = Counter([await ask(forwarder) for _ in range(30)])
        assert answers == {"a": 10, "b": 10, "c": 10}


async def test_who_is_slow_gets_less() -> None:
    async with before(One("a"), One("s", 0.3)) as forwarder:

        async def caller() -> list[str]:
            return [await ask(forwarder) for _ in range(20)]

        answers = Counter(one for many in await asyncio.gather(*(caller() for _ in range(4))) for one in many)
        assert answers["s"] < answers["a"] / 3


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_dead_instance_costs_no_caller_anything(method: str) -> None:
    async with before(One("a"), One("b"), dead=1) as forwarder:
        answers = Counter(await asyncio.gather(*(ask(forwarder, method) for _ in range(60))))
        assert answers.total() == 60
        assert set(answers) == {"a", "b"}


async def test_a_call_that_dies_with_its_instance_is_made_again_elsewhere_if_that_is_harmless() -> None:
    async def dies(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)

    survivor, dead = One("a"), RawServer(dies)
    async with survivor.server.running(), dead.running():
        for method, met in (("GET", {200}), ("POST", {200, 502})):
            forwarder = HttpForwarder("coupon", [survivor.server.url, dead.url], sign, Bounds())
            calls = [Call(method, [b"x"] if method == "POST" else []) for _ in range(4)]
            before = survivor.calls
            outcomes = await asyncio.gather(*(call.through(forwarder) for call in calls), return_exceptions=True)
            assert {getattr(one, "status", 0) for one in outcomes} == met
            assert survivor.calls - before == (4 if method == "GET" else sum(call.status == 200 for call in calls))
            await forwarder.aclose()


async def test_who_is_about_to_leave_is_not_asked_any_more_and_who_returns_is() -> None:
    leaving = One("b")
    async with before(One("a"), leaving) as forwarder:
        leaving.ready = False
        await until(forwarder, 1)
        assert {await ask(forwarder) for _ in range(20)} == {"a"}
        leaving.ready = True
        await until(forwarder, 2)
        (_, returned) = forwarder.instances
        assert returned.load(asyncio.get_running_loop().time()) > 1, "it is given little at first"


async def test_when_none_is_ready_all_are_used() -> None:
    ones = One("a"), One("b")
    for one in ones:
        one.ready = False
    async with before(*ones) as forwarder:
        await until(forwarder, 0)
        assert {await ask(forwarder) for _ in range(20)} == {"a", "b"}


async def test_a_name_is_looked_up_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a name with several addresses each is an instance; one that goes ends with what is under way."""
    monkeypatch.setattr(instances, "RESOLVE_SECONDS", 0)
    found = ["127.0.0.1", "127.0.0.2"]

    async def hosts(self: instance.Place) -> list[str]:
        return list(found)

    monkeypatch.setattr(instance.Place, "hosts", hosts)
    one = One("a", 0.05)
    async with one.server.running():
        forwarder = HttpForwarder("coupon", [f"http://coupon.internal:{one.server.port}"], sign, Bounds())
        await forwarder.instances._resolve()
        assert [item.label.partition(":")[0] for item in forwarder.instances] == found
        under_way = asyncio.create_task(ask(forwarder))
        await asyncio.sleep(0.01)
        gone = next(item for item in forwarder.instances if item.outstanding)
        found.remove(gone.host)
        await forwarder.instances._resolve()
        assert gone not in list(forwarder.instances)
        assert await under_way == "a"
        assert gone.pool.open == 0 or not gone.pool.idle
        await forwarder.aclose()


async def test_one_service_that_fails_again_and_again_is_left_alone_and_comes_back() -> None:
    """Attacks 35 and 36: while it fails it gets next to nothing; then one call tries it, and the others wait for that."""
    state = {"fails": True, "calls": 0, "slow": 0.0}

    async def moody(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            head, _ = await read_request(reader)
            if head.startswith(b"GET /readyz "):
                return writer.write(OK)
            state["calls"] += 1
            if state["fails"]:
                return
            await asyncio.sleep(state["slow"])
            writer.write(OK)

    async with RawServer(moody).running() as server:
        forwarder = HttpForwarder("coupon", [server.url], sign, Bounds())
        (only,) = forwarder.instances
        for _ in range(5):
            assert (await refusal(Call("POST", [b"x"]), forwarder)).code == "upstream_failed"
        seen = state["calls"]
        started = asyncio.get_running_loop().time()
        problems = [await refusal(Call("POST", [b"x"]), forwarder) for _ in range(100)]
        took = asyncio.get_running_loop().time() - started
        assert {(one.status, one.code, one.headers["Retry-After"]) for one in problems} == {
            (503, "upstream_circuit_open", "1")
        }
        assert state["calls"] == seen, "nothing reached it"
        assert took / 100 < 0.01

        state.update(fails=False, slow=0.2)
        only.breaker._again_at = 0
        await refusal(Call(), forwarder)  # sets the probe going
        for _ in range(300):
            if only.breaker.admits():
                break
            await asyncio.sleep(0.01)
        many = [asyncio.create_task(Call().through(forwarder)) for _ in range(50)]
        outcomes = await asyncio.gather(*many, return_exceptions=True)
        assert sum(isinstance(one, Call) for one in outcomes) == 1
        assert state["calls"] == seen + 1, "one trial"
        state["slow"] = 0
        assert await ask(forwarder) == "ok"
        await forwarder.aclose()
