"""The connections to a PostgreSQL server: a fixed pool, in which none that has fallen silent stays."""

import socket
from contextlib import suppress
from functools import partial
from typing import Any

import asyncpg
from sqlalchemy import event
from sqlalchemy.engine import URL, ExceptionContext
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from shared.db.engines import JSON, POOL
from shared.db.faults import Trouble, kind_of
from shared.db.watch import Watch, asked

_RECYCLE_SECONDS = 1800
"""A pool that is never made anew keeps to the server that it found first, and to what a balancer thought then."""
_IDLE, _INTERVAL, _COUNT = 30, 10, 3
"""After half a minute without a byte TCP asks the other side, then every ten seconds, and gives up after three."""
_SERVER_LOOKS_SECONDS = 5.0
"""After so long at one statement the server looks whether anybody still waits for it."""


def postgresql_engines(url: URL, schema: str, pool_size: int, watch: Watch) -> tuple[AsyncEngine, AsyncEngine]:
    """The writing and the reading engine, on one pool."""
    writer = create_async_engine(
        url.set(drivername="postgresql+asyncpg"),
        hide_parameters=True,
        pool_size=pool_size,
        pool_pre_ping=False,  # a way there and back before each use, without a deadline: see `Watch.checked_out`
        pool_recycle=_RECYCLE_SECONDS,
        connect_args={
            "timeout": watch.limits.connect,
            "server_settings": {
                "search_path": schema,
                "application_name": f"quanyu-{schema}",
                # A prepared statement would keep the plan of its first runs, made while its table was empty: every row
                # read for every lookup, until the next ANALYZE (measured: 46 ms for what takes 4 planned afresh).
                "plan_cache_mode": "force_custom_plan",
                # Whoever vanishes without a word (power, network) would hold its rows' locks for two hours.
                "tcp_keepalives_idle": str(_IDLE),
                "tcp_keepalives_interval": str(_INTERVAL),
                "tcp_keepalives_count": str(_COUNT),
                "idle_in_transaction_session_timeout": f"{watch.limits.longest * 1000:.0f}",
            },
        },
        **POOL,
        **JSON,
    )
    sync = writer.sync_engine
    event.listen(sync, "connect", partial(_prepare, min(_SERVER_LOOKS_SECONDS, watch.limits.request / 2)))
    event.listen(sync, "checkout", watch.checked_out)
    event.listen(sync, "checkin", watch.checked_in)
    event.listen(sync, "close", watch.closing)
    event.listen(sync, "before_cursor_execute", asked)
    event.listen(sync, "commit", asked)
    event.listen(sync, "rollback", asked)
    event.listen(sync, "handle_error", _leave_standby)
    # Single reads need no BEGIN and COMMIT round trips.
    return writer, writer.execution_options(isolation_level="AUTOCOMMIT")


def _prepare(looks_seconds: float, adapter: Any, _record: Any) -> None:
    """Let this side's TCP find out by itself that the other is gone, and the server that we are."""
    _keep_alive(adapter.driver_connection._transport.get_extra_info("socket"))  # asyncpg has no other way to its socket
    with suppress(asyncpg.PostgresError):  # some systems can't
        adapter.run_async(
            lambda driver: driver.execute(
                f"SELECT set_config(name, '{looks_seconds * 1000:.0f}ms', false) FROM pg_settings "  # noqa: S608 - ours
                "WHERE name = 'client_connection_check_interval'"  # since PostgreSQL 14
            )
        )


def _keep_alive(sock: Any) -> None:
    if sock is None or sock.family not in (socket.AF_INET, socket.AF_INET6):
        return
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in (
        ("TCP_KEEPIDLE", _IDLE),
        ("TCP_KEEPALIVE", _IDLE),  # as macOS calls it
        ("TCP_KEEPINTVL", _INTERVAL),
        ("TCP_KEEPCNT", _COUNT),
        ("TCP_USER_TIMEOUT", 1000 * (_IDLE + _INTERVAL * _COUNT)),  # the same for bytes that nobody acknowledges
    ):
        if (option := getattr(socket, name, None)) is not None:
            sock.setsockopt(socket.IPPROTO_TCP, option, value)


def _leave_standby(context: ExceptionContext) -> None:
    """A session on a server that is a standby now would stay there for ever: the next connection goes where writes are taken."""
    if kind_of(context.sqlalchemy_exception or context.original_exception) is Trouble.READ_ONLY:
        context.is_disconnect = True
