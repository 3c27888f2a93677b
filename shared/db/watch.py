"""Ends calls to a PostgreSQL server that gives no answer: the connection is cut, so that whoever waits on it is told at once.

A server that is frozen, a firewall that forgot the connection and a machine without power all look the same: bytes go out
and none come back, for as long as one cares to wait. No driver call ends that by itself, nor does closing, which asks the
server first. So each use of a connection has a time by which it is cut off hard, moved on with each statement, and what failed
like this is raised as any lost connection is.

Cutting is not cancelling: nobody's task is interrupted, and no cancellation is sent, which would wait for the same server.
What the server still does for us it ends itself (`client_connection_check_interval`).
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy import Connection
from sqlalchemy.exc import InvalidatePoolError
from sqlalchemy.ext.asyncio import AsyncConnection

from shared import deadline
from shared.db.turns import Limits, Use, present_use
from shared.observability.logging import get_logger
from shared.observability.metrics import DATABASE_CUT

_HEARD = "heard"
_IDLE_SECONDS = 30.0
PING_SECONDS = 2.0
_WARY_SECONDS = 30.0


class Watch:
    """Watches the connections of one part's pool."""

    def __init__(self, name: str, limits: Limits) -> None:
        self.limits = limits
        self._wary_since = -_WARY_SECONDS
        self._cut = DATABASE_CUT.labels(name)
        self._log = get_logger(database=name)

    def over(self, connection: AsyncConnection) -> "Watched":
        """Watch a connection from now on, for what this task does with it."""
        use = present_use()
        end = deadline.end() if use is Use.REQUEST else float("inf")
        watched = Watched(self, connection, self.limits.of(use), end)
        if connection.sync_connection is not None:
            _watched[connection.sync_connection] = watched
        return watched

    @property
    def checkout_seconds(self) -> float:
        """Until one of the pool is ours: an old one may be asked in vain before a new one is made."""
        most = self.limits.connect + 2 * PING_SECONDS
        return deadline.left(most) if present_use() is Use.REQUEST else most

    def cut(self, connection: AsyncConnection) -> None:
        """Its server has not answered."""
        sync = connection.sync_connection
        raw: Any = (
            None if sync is None else sync._dbapi_connection
        )  # `connection` would make a new one of one that is lost
        if raw is not None and raw.dbapi_connection is not None:
            self.suspect()
            self._cut.inc()
            self._log.warning("no answer in time: a connection to the database is cut")
            raw.driver_connection.terminate()

    def suspect(self) -> None:
        """One connection is silent, so the others may be."""
        self._wary_since = _now()

    # what SQLAlchemy's pool calls

    def checked_out(self, adapter: Any, record: Any, _fairy: Any) -> None:
        """One that nobody has heard of for a while, or since another fell silent, is asked whether it is still there."""
        heard = record.info.get(_HEARD)
        if heard is None or (_now() - heard < _IDLE_SECONDS and heard > self._wary_since):
            return
        driver = adapter.driver_connection
        too_late = asyncio.get_running_loop().call_later(min(PING_SECONDS, self.limits.request), driver.terminate)
        try:
            # By the simple protocol: one way there and back, also through a pooler.
            adapter.run_async(lambda asked: asked.execute("SELECT 1"))
        except Exception as error:
            self.suspect()
            driver.terminate()
            raise InvalidatePoolError from error
        finally:
            too_late.cancel()
        record.info[_HEARD] = _now()

    def checked_in(self, adapter: Any, record: Any) -> None:
        """It has answered until now."""
        if adapter is not None:
            record.info[_HEARD] = _now()

    def closing(self, adapter: Any, _record: Any) -> None:
        """No server is waited for to say goodbye: not at all while some are silent, else for a moment."""
        driver = adapter.driver_connection
        if _now() - self._wary_since < _WARY_SECONDS:
            driver.terminate()
            return

        def give_up() -> None:
            if not driver._transport.is_closing():  # `is_closed()` says so while it only waits
                self.suspect()
                driver.terminate()

        asyncio.get_running_loop().call_later(PING_SECONDS, give_up)


class Watched:
    """One use of a connection, from its checkout until `over`."""

    __slots__ = ("_connection", "_end", "_loop", "_timer", "_until", "_watch", "seconds")

    def __init__(self, watch: Watch, connection: AsyncConnection, seconds: float, end: float) -> None:
        self._watch = watch
        self._connection = connection
        self.seconds = seconds
        self._end = end
        self._loop = asyncio.get_running_loop()
        self.asked()
        self._timer = self._loop.call_at(self._until, self._look)

    def asked(self) -> None:
        """A statement is about to be sent: it has its own time, within that of the request."""
        self._until = min(self._loop.time() + self.seconds, self._end)

    def over(self) -> None:
        """The connection is given back."""
        self._timer.cancel()

    def _look(self) -> None:
        if self._until > self._loop.time():
            self._timer = self._loop.call_at(self._until, self._look)
        else:
            self._watch.cut(self._connection)


_watched: WeakKeyDictionary[Connection, Watched] = WeakKeyDictionary()
"""By SQLAlchemy's connection, which stays the same when it takes another one of the pool in the place of one that is lost."""


def asked(connection: Connection | None, *_: Any) -> None:
    """A statement is about to be sent over it."""
    if connection is not None and (watched := _watched.get(connection)) is not None:
        watched.asked()


@contextmanager
def allowing(connection: AsyncConnection, seconds: float) -> Iterator[None]:
    """Each statement in the block may take so long."""
    watched = None if connection.sync_connection is None else _watched.get(connection.sync_connection)
    if watched is None:
        yield
        return
    before, watched.seconds = watched.seconds, seconds
    try:
        yield
    finally:
        watched.seconds = before


def _now() -> float:
    return asyncio.get_running_loop().time()
