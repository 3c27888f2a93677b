"""The doctor's look at what the suite stands on: databases, the bus and what is parked there, Redis, the disk.

Only at what is set here, or lies here already: whoever looks at a suite elsewhere (`--url`) has none of it, and nothing is made.
"""

import asyncio
import shutil
from collections.abc import AsyncIterator
from importlib import import_module
from pathlib import Path

from redis.asyncio import Redis
from redis.exceptions import BusyLoadingError, OutOfMemoryError, ReadOnlyError, RedisError, ResponseError
from sqlalchemy.engine import make_url

from shared.clock import SystemClock
from shared.database_look import DatabaseLook
from shared.db import Database
from shared.db.turns import LEAST_TURNS
from shared.language import say
from shared.messaging import Bus, BusUnavailable
from shared.readiness import State
from shared.settings import ServiceSettings
from suite import wiring
from suite.diagnosis import Diagnosis, Group, Verdict
from suite.errors import Stop
from suite.parts import PARTS, SERVICES
from suite.settings import SuiteSettings

MANY_WAITING = 1_000
_SECONDS = 3.0
_LITTLE_DISK, _NO_DISK = 0.1, 0.02
_VERDICTS = {State.OK: Verdict.OK, State.DEGRADED: Verdict.WARN, State.DOWN: Verdict.FAIL}


def _found(check: str, verdict: Verdict, detail: str) -> Diagnosis:
    return Diagnosis(Group.SERVERS, check, verdict, detail)


async def servers(settings: SuiteSettings) -> AsyncIterator[Diagnosis]:
    """What is found of each, in this order. Never raises."""
    flags = {"data_dir": settings.data_dir}
    parts = {name: wiring.settings_of(name, flags) for name in PARTS}
    here = {name: one for name, one in parts.items() if _is_here(one.resolved_database_url())}
    for name, found in zip(here, await asyncio.gather(*(_database(*one) for one in here.items())), strict=True):
        yield _found(f"database_{name}", *found)
    if settings.broker_url is not None or _is_here(settings.resolved_database_url("bus")):
        for one in await _bus(settings):
            yield one
    if settings.redis_url is not None:
        yield await _redis(settings.redis_url.get_secret_value())
    if settings.data_dir.is_dir():
        yield _disk(settings.data_dir)


def _is_here(url: str) -> bool:
    """A server, or a file that is there."""
    parsed = make_url(url)
    return parsed.get_backend_name() != "sqlite" or Path(parsed.database or "").exists()


async def _database(name: str, settings: ServiceSettings) -> tuple[Verdict, str]:
    package = f"services.{name}" if name in SERVICES else name
    metadata = import_module(f"{package}.base").Base.metadata
    db = Database(settings.resolved_database_url(), schema=name, pool_size=LEAST_TURNS)
    try:
        found, *_ = await DatabaseLook(db, metadata, f"{package}.migrations", SystemClock(), None).findings()
    finally:
        await db.close()
    return _VERDICTS[found.state], say(f"{name}: {found.detail}", f"{name}：{found.detail}")


async def _bus(settings: SuiteSettings) -> list[Diagnosis]:
    try:
        async with wiring.operators_bus(settings, {"data_dir": settings.data_dir}) as bus:
            return [
                _found("bus", Verdict.OK, say("the message bus answers", "消息总线有应答")),
                *await _queues(bus),
            ]
    except (BusUnavailable, Stop, OSError) as error:
        return [_bus_away(str(error))]


def _bus_away(why: str) -> Diagnosis:
    told = say(
        f"the message bus does not answer; calls are accepted and messages wait. Check QUANYU_BROKER_URL and the server: {why}",
        f"消息总线无应答；请求照常受理，消息在等待。请检查 QUANYU_BROKER_URL 和服务器：{why}",
    )
    return _found("bus", Verdict.FAIL, told)


async def _queues(bus: Bus) -> list[Diagnosis]:
    depths = await bus.depths()
    parked = {depth.queue: depth.parked for depth in depths if depth.parked}
    waiting = {depth.queue: depth.waiting for depth in depths if depth.waiting > MANY_WAITING}
    found = [_found("parked", Verdict.OK, say("no message is parked", "没有搁置的消息"))]
    if parked:
        listed = ", ".join(f"{queue} {count:,}" for queue, count in parked.items())
        told = say(
            f"messages were given up: {listed}. See `quanyu parked list`, mend the cause, then `quanyu parked replay`",
            f"有消息被搁置：{listed}。请看 `quanyu parked list`，排除原因后 `quanyu parked replay`",
        )
        found = [_found("parked", Verdict.WARN, told)]
    if waiting:
        listed = ", ".join(f"{queue} {count:,}" for queue, count in waiting.items())
        told = say(
            f"messages pile up: {listed}. Does a worker run, and does it keep pace?",
            f"消息积压：{listed}。worker 在运行吗，跟得上吗？",
        )
        return [*found, _found("queues", Verdict.WARN, told)]
    return [*found, _found("queues", Verdict.OK, say("no queue is long", "没有积压的队列"))]


async def _redis(url: str) -> Diagnosis:
    redis = Redis.from_url(url, socket_connect_timeout=_SECONDS)
    try:
        async with asyncio.timeout(_SECONDS):
            await redis.set("quanyu:doctor", 1, px=1000)  # one that is full or a replica answers a ping
    except (RedisError, OSError, TimeoutError) as error:
        what = _redis_trouble(error)
        told = say(
            f"Redis {what}. Each gateway counts its share of the rate limits by itself meanwhile",
            f"Redis {what}。在此期间各网关各算一份限额",
        )
        return _found("redis", Verdict.WARN, told)
    finally:
        await redis.aclose()
    return _found("redis", Verdict.OK, say("Redis answers", "Redis 有应答"))


def _redis_trouble(error: Exception) -> str:
    """What it is, and what to do."""
    match error:
        case OutOfMemoryError():
            return say(
                "is full: raise maxmemory, or let it forget (maxmemory-policy volatile-ttl; our keys all end)",
                "内存已满：调大 maxmemory，或允许淘汰（maxmemory-policy volatile-ttl；我们的键都有期限）",
            )
        case ReadOnlyError():
            return say(
                "is a replica, which takes no writes: let QUANYU_REDIS_URL lead to the master",
                "是只读副本，不接受写入：请让 QUANYU_REDIS_URL 指向主节点",
            )
        case BusyLoadingError():
            return say("is loading its data: wait", "正在加载数据：请稍候")
        case ResponseError() if str(error).startswith("MISCONF"):
            return say(
                "can't save, so it takes no writes: look at its log and its disk",
                "无法存盘，因此不接受写入：请看它的日志和磁盘",
            )
    why = type(error).__name__
    return say(f"does not answer ({why}): check QUANYU_REDIS_URL", f"无应答（{why}）：请检查 QUANYU_REDIS_URL")


def _disk(folder: Path) -> Diagnosis:
    usage = shutil.disk_usage(folder)
    share = usage.free / usage.total if usage.total else 1.0
    percent, gigabytes = round(share * 100), usage.free / 1e9
    verdict = Verdict.FAIL if share < _NO_DISK else Verdict.WARN if share < _LITTLE_DISK else Verdict.OK
    told = say(
        f"{percent} % ({gigabytes:.1f} GB) of the disk of {folder} is free",
        f"{folder} 所在磁盘剩余 {percent}%（{gigabytes:.1f} GB）",
    )
    if verdict is Verdict.OK:
        return _found("disk", verdict, told)
    remedy = say(". Make room: when it is full, calls that write get 503", "。请腾出空间：写满后，写入类请求会得到 503")
    return _found("disk", verdict, told + remedy)
