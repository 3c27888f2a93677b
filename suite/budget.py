"""Database connections: one number for a process, divided over its parts, and held against what the server has.

A default PostgreSQL server lets in a hundred. Two whole suites fit, in one process each or in a process for each part.
"""

from collections import Counter
from collections.abc import AsyncIterator, Collection, Mapping
from typing import NamedTuple

from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError

from shared.db import DatabaseBusy
from shared.db.capacity import connections_left
from shared.db.turns import LEAST_TURNS
from shared.language import say
from shared.roles import Role
from shared.settings import CONNECTIONS_OF_A_PART
from suite.errors import Stop

OF_THE_SUITE = 42
_SHARES = {"coupon": 2}
"""Carts are priced and coupons claimed there; every other part has one share."""


class Wish(NamedTuple):
    """A part's database, and how many connections were asked for: by its own setting, or by the one of the process."""

    url: str
    connections: int | None


class Pool(NamedTuple):
    """What a part has: its PostgreSQL database and how many connections to it."""

    url: str
    size: int


def divide(whole: int | None, wishes: Mapping[str, Wish], role: Role = Role.ALL) -> dict[str, Pool]:
    """The pool of each part on PostgreSQL. Parts with a number of their own keep it, the others share what is left.

    Raises Stop when a part would get fewer than it can work with.
    """
    ours = {name: wish for name, wish in wishes.items() if wish.url.startswith("postgresql")}
    pools = {
        name: Pool(wish.url, wish.connections)
        for name, wish in ours.items()
        if wish.connections is not None and wish.connections != whole
    }
    others = [name for name in ours if name not in pools]
    if whole is None:
        whole = OF_THE_SUITE if len(wishes) > 1 else CONNECTIONS_OF_A_PART
        whole //= 1 if role is Role.ALL else 2  # the other half is the other process's
    kept = sum(pool.size for pool in pools.values())
    weights = _weights(others)
    shares = sum(weights.values())
    each = (whole - kept) // shares if shares else 0
    if others and each < LEAST_TURNS:
        raise Stop(
            say(
                f"QUANYU_DATABASE_CONNECTIONS is {whole}: too few for {', '.join(ours)}. Each needs {LEAST_TURNS}, "
                f"and coupon beside others twice as many: set {kept + shares * LEAST_TURNS} or more.",
                f"QUANYU_DATABASE_CONNECTIONS 为 {whole}，不够 {', '.join(ours)} 使用。每个至少需要 {LEAST_TURNS} 个，"
                f"coupon 与其他部分同在时需要两倍：请设为 {kept + shares * LEAST_TURNS} 或更多。",
            )
        )
    return pools | {name: Pool(ours[name].url, each * weight) for name, weight in weights.items()}


def _weights(names: Collection[str]) -> dict[str, int]:
    """How many shares each of them has of what they divide."""
    return {name: _SHARES.get(name, 1) if len(names) > 1 else 1 for name in names}


async def fitting(*processes: Mapping[str, Pool]) -> int | None:
    """How many connections the pools of each of these processes may have together, where the server has fewer left than all
    would like; the least that they work with where it has not even that. None where there are enough, or where that can't be
    known.
    """
    wanted = sum(pool.size for pools in processes for pool in pools.values())
    urls = {pool.url for pools in processes for pool in pools.values()}
    if len({_server(url) for url in urls}) != 1:
        return None
    try:
        left = await connections_left(next(iter(urls)), beside_running=True)
    except (OSError, SQLAlchemyError, LookupError):
        return None
    limits = [left.server] if len(urls) > 1 else [one for one in left if one is not None]
    least = LEAST_TURNS * max(sum(_weights(pools).values()) for pools in processes)
    return None if min(limits) >= wanted else max(min(limits) // len(processes), least)


async def shortages(*processes: Mapping[str, Pool], beside_running: bool) -> AsyncIterator[str]:
    """A sentence for each database server, role or database that has fewer connections left than these processes may open."""
    by_url, by_server = Counter[str](), Counter[str]()
    for pool in (pool for pools in processes for pool in pools.values()):
        by_url[pool.url] += pool.size
        by_server[_server(pool.url)] += pool.size
    told = set()
    for url, wanted in by_url.items():
        server = _server(url)
        try:
            left = await connections_left(url, beside_running=beside_running)
        except DatabaseBusy:
            yield (
                say(
                    f"PostgreSQL at {server} has no connection left at present.",
                    f"{server} 的 PostgreSQL 目前没有空闲连接。",
                )
                + _remedy()
            )
            continue
        except (OSError, SQLAlchemyError, LookupError):
            continue  # whoever needs it says so in a moment
        user, name = make_url(url).username, make_url(url).database
        for what, found, need in (
            (say(f"PostgreSQL at {server}", f"{server} 的 PostgreSQL"), left.server, by_server[server]),
            (say(f"The role {user} at {server}", f"{server} 的角色 {user}"), left.role, wanted),
            (say(f"The database {name} at {server}", f"{server} 的数据库 {name}"), left.database, wanted),
        ):
            if found is not None and found < need and what not in told:
                told.add(what)
                yield (
                    say(
                        f"{what} has {max(found, 0)} connections left, and {need} may be opened.",
                        f"{what} 还剩 {max(found, 0)} 个连接，而可能要打开 {need} 个。",
                    )
                    + _remedy()
                )


def _remedy() -> str:
    return say(
        " Calls wait for each other then. Lower QUANYU_DATABASE_CONNECTIONS, or raise max_connections "
        "(or the CONNECTION LIMIT) of the server: docs/processes.md.",
        "届时调用会互相等待。请调低 QUANYU_DATABASE_CONNECTIONS，或调高服务器的 max_connections"
        "（或 CONNECTION LIMIT）：docs/processes.zh-CN.md。",
    )


def _server(url: str) -> str:
    """Where it listens."""
    parsed = make_url(url)
    return f"{parsed.host or 'localhost'}:{parsed.port or 5432}"
