"""The instances 实例 of one service: which of them gets a request, and which are left out until they are well.

Least outstanding first, in turn among equals. An instance that can't be reached or says that it is not ready (as it does
before it stops) is left out while there is another one. Nobody waits for what is found out about instances: whoever chooses
sets it going when it is due, so that nothing is asked while nobody calls.
"""

import asyncio
from collections.abc import Collection, Coroutine, Iterator, Sequence
from typing import Any

from gateway.forwarding.breaker import Circuit
from gateway.forwarding.connection import UpstreamBroken
from gateway.forwarding.instance import UNWELL_SECONDS, Instance, Place
from gateway.forwarding.pool import Bounds, UpstreamBusy, UpstreamDown

LOOK_SECONDS = 2.0
RESOLVE_SECONDS = 5.0
_PROBE_SECONDS = 2.0


class CircuitOpen(Exception):
    """No instance may be called now. `seconds`: when it is worth coming again."""

    def __init__(self, seconds: float) -> None:
        super().__init__("the circuit breaker is open")
        self.seconds = seconds


class Instances:
    """All instances of `service`: those that `urls` name, and of a name with several addresses each of these."""

    def __init__(self, service: str, urls: Sequence[str], bounds: Bounds) -> None:
        self._service = service
        self._bounds = bounds
        self._places = [Place.of(service, url) for url in dict.fromkeys(url.strip() for url in urls)]
        self._all = [Instance(service, place, place.host, bounds) for place in self._places]
        self._turn = 0
        self._resolve_at = 0.0
        self._named = any(place.named for place in self._places)
        self._tasks: set[asyncio.Task[None]] = set()

    def __iter__(self) -> Iterator[Instance]:
        return iter(self._all)

    def __len__(self) -> int:
        return len(self._all)

    @property
    def well(self) -> int:
        """How many of them are given requests without reserve."""
        return sum(one.well and one.breaker.circuit is Circuit.CLOSED for one in self._all)

    def choose(self, but: Collection[Instance] = ()) -> Instance:
        """Who gets the next request, none of `but`. Raises CircuitOpen when nobody may have it."""
        now = asyncio.get_running_loop().time()
        self._find_out(now)
        admitting = [one for one in self._all if one.breaker.admits() and one not in but]
        if not admitting:
            raise CircuitOpen(min(one.breaker.seconds_left(now) for one in self._all))
        for one in admitting:
            if one.breaker.circuit is Circuit.HALF_OPEN:
                return one  # it has answered a probe; one call shows whether it can do more
        best = [one for one in admitting if one.well] or admitting
        self._turn += 1
        start = self._turn % len(best)
        return min(best[start:] + best[:start], key=lambda one: one.load(now))

    def other(self, tried: Collection[Instance]) -> Instance | None:
        """Another one that is well."""
        if not any(one.well and one.breaker.admits() and one not in tried for one in self._all):
            return None
        return self.choose(tried)

    async def aclose(self) -> None:
        """Close every connection."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for one in self._all:
            one.pool.close()
        await asyncio.sleep(0)  # lets the transports report their end

    # What is found out meanwhile

    def _find_out(self, now: float) -> None:
        if self._named and now >= self._resolve_at:
            self._resolve_at = now + RESOLVE_SECONDS
            self._begin(self._resolve())
        for one in self._all:
            if one.asking:
                continue
            open_now = one.breaker.circuit is Circuit.OPEN
            if one.breaker.wants_probe(now) if open_now else (not one.well or len(self._all) > 1) and now >= one.ask_at:
                one.asking = True
                self._begin(self._ask(one))

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work, name=f"look at {self._service}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _ask(self, one: Instance) -> None:
        """Ask whether it is ready. Any answer is one for the breaker; 503 says that others are to be chosen."""
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(_PROBE_SECONDS):
                status = await one.readiness()
        except (UpstreamDown, UpstreamBroken, TimeoutError):
            status = 0
        except UpstreamBusy:
            status = 200  # so many are with it that there was no connection left to ask: it is no worse than that
        finally:
            one.asking = False
        now = loop.time()
        one.ask_at = now + (LOOK_SECONDS if status and status != 503 else UNWELL_SECONDS)
        one.breaker.probed(now, answers=status > 0)
        one.noted(now, well=status not in (0, 503))
        if one in self._all:
            one.tell()

    async def _resolve(self) -> None:
        """Look names up again. Where that fails the addresses stay what they were."""
        known = {(one.place, one.host): one for one in self._all}
        found: dict[tuple[Place, str], Instance] = {}
        for place in self._places:
            hosts = [host for of, host in known if of is place]
            if place.named:
                hosts = await place.hosts() or hosts
            for host in hosts:
                found[place, host] = known.get((place, host)) or Instance(self._service, place, host, self._bounds)
        self._all = list(found.values())
        for key, one in known.items():
            if key not in found:
                one.retire()
