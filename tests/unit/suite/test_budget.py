"""Database connections are divided so that two whole suites fit a default PostgreSQL server."""

import asyncio

import pytest
from conftest import Backend
from kit.small_server import few_connections

from suite.budget import Pool, Wish, divide, fitting, shortages
from suite.errors import Stop
from suite.parts import PARTS

DEFAULT_SERVER = 100 - 3
"""max_connections less superuser_reserved_connections."""
URL = "postgresql://h/d"
EMBEDDED = {name: Wish(URL, None) for name in (*PARTS, "bus")}


def test_two_of_everything_fit_a_default_server() -> None:
    whole = sum(pool.size for pool in divide(None, EMBEDDED).values())
    apart = sum(pool.size for name in PARTS for pool in divide(None, {name: Wish(URL, None)}).values())
    assert 2 * whole <= DEFAULT_SERVER
    assert 2 * apart <= DEFAULT_SERVER


def test_the_number_is_never_exceeded_and_each_gets_what_it_needs() -> None:
    for whole in range(21, 120):
        sizes = [pool.size for pool in divide(whole, {name: Wish(URL, whole) for name in EMBEDDED}).values()]
        assert sum(sizes) <= whole
        assert min(sizes) >= 3


def test_too_small_a_number_is_refused_with_the_least_that_works() -> None:
    with pytest.raises(Stop, match="set 21 or more"):
        divide(20, EMBEDDED)


def test_a_part_keeps_its_own_number_and_files_take_none() -> None:
    wishes = {"coupon": Wish(URL, 12), "journey": Wish(URL, 30), "gateway": Wish("sqlite:///x.db", 30)}
    assert divide(30, wishes) == {"coupon": Pool(URL, 12), "journey": Pool(URL, 18)}


@pytest.mark.parametrize("backend", ["postgresql"], indirect=True)
async def test_too_few_connections_are_told_with_a_remedy(backend: Backend) -> None:
    async def told(url: str, size: int) -> list[str]:
        return [one async for one in shortages({"coupon": Pool(url, size)}, beside_running=True)]

    url = backend.database_url or ""
    async with few_connections(url, 3) as narrow:
        assert await told(narrow, 3) == []
        (sentence,) = await told(narrow, 4)
        assert "has 3 connections left, and 4 may be opened" in sentence
        assert "QUANYU_DATABASE_CONNECTIONS" in sentence
        assert await fitting({"coupon": Pool(narrow, 3)}) is None
        assert await fitting({"coupon": Pool(narrow, 8)}) == 3
        parts = {name: Pool(narrow, 7) for name in EMBEDDED}
        least = await fitting(parts)
        assert least == 21  # fewer than that they can't work with
        assert sum(pool.size for pool in divide(least, {name: Wish(narrow, least) for name in parts}).values()) == 21
    async with few_connections(url, 50) as narrow:
        api = {name: Pool(narrow, 3) for name in PARTS}
        worker = {name: Pool(narrow, 6) for name in EMBEDDED}
        assert await fitting(api, worker) == 25  # half of what there is for each
        assert await fitting(api, api) is None
        (sentence,) = [one async for one in shortages(api, worker, beside_running=True)]
        assert "has 50 connections left, and 51 may be opened" in sentence
    async with few_connections(url, 30) as narrow:
        api = {name: Pool(narrow, 3) for name in PARTS}
        worker = {name: Pool(narrow, 6) for name in EMBEDDED}
        assert await fitting(api, worker) == 21  # the worker has the bus besides, and works with no fewer
    assert "has" in (await told(url, 5000))[0]
    assert await asyncio.wait_for(told("postgresql://nobody@127.0.0.1:1/x", 4), 30) == []  # others tell of that
