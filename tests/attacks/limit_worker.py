"""A process that asks for as many turns as it gets: `limit_worker.py url prefix seconds limits…`; tells what it was given.

A limit is `quota,window,burst` or `quota,day`. Another such process is taken to run.
"""

import asyncio
import json
import sys
import time

from gateway.limits import redis_store
from gateway.limits.periods import Calendar
from gateway.limits.redis_store import RedisLimiter
from gateway.limits.store import Hit, MemoryLimiter
from gateway.policy import Policy
from shared.clock import SystemClock
from shared.zones import zone


def _policy(text: str) -> Policy:
    quota, window, *burst = text.split(",")
    if window == "day":
        return Policy("daily", int(quota), 86400, period="day")
    return Policy("key", int(quota), float(window), int(burst[0]))


async def main(url: str, prefix: str, seconds: float, limits: list[str]) -> None:
    """Eight at a time, until the time is over."""
    understudy = MemoryLimiter(SystemClock(), Calendar(zone("Asia/Shanghai")))
    understudy.replicas = 2
    limiter = RedisLimiter(url, understudy, prefix)
    hits = [Hit(f"bucket-{place}", _policy(text)) for place, text in enumerate(limits)]
    told = {"allowed": 0, "calls": 0, "slowest": 0.0, "alone": 0}
    end = time.monotonic() + seconds

    async def ask() -> None:
        while time.monotonic() < end:
            begun = time.monotonic()
            decisions = await limiter.hit(hits)
            told["slowest"] = max(told["slowest"], time.monotonic() - begun)
            told["calls"] += 1
            told["alone"] += asyncio.get_running_loop().time() < limiter._away_until
            told["allowed"] += all(one.allowed for one in decisions)
            await asyncio.sleep(0.002)

    await limiter.answers()  # it is connected from the first question on
    sys.stdout.write("begun\n")
    sys.stdout.flush()
    await asyncio.gather(*(ask() for _ in range(8)))
    await limiter.aclose()
    sys.stdout.write(json.dumps(told) + "\n")


if __name__ == "__main__":
    if sys.argv[4] == "patient":
        redis_store._REDIS_SECONDS = 10.0
    asyncio.run(main(sys.argv[1], sys.argv[2], float(sys.argv[3]), sys.argv[5:]))
