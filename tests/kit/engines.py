"""Engines for tests: they share what SQLAlchemy works out about statements, and do not wait for the disk."""

from typing import Any

from sqlalchemy import Engine, event
from sqlalchemy.engine import Dialect
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.util import LRUCache

_REMEMBERED = 5000
_Kind = tuple[str, str, bool]
"""Dialect, search path, and whether it spares itself what ends a read."""


class SharedStatements:
    """Makes engines as `create_async_engine` does. A statement is compiled once for each kind of database and search path.

    Every test opens databases of its own, and compiling every statement anew took a third of a test's time.
    """

    def __init__(self) -> None:
        self._known: dict[_Kind, tuple[Dialect, LRUCache[Any, Any]]] = {}

    def create(self, url: Any, **options: Any) -> AsyncEngine:
        made = create_async_engine(url, **options)
        engine = made.sync_engine
        if engine.dialect.name == "sqlite":
            event.listen(engine, "checkout", _spare_the_disk)
        settings = options.get("connect_args", {}).get("server_settings", {})
        # The one that never rolls back, for reading, lends its dialect to no writer.
        key = (engine.dialect.name, settings.get("search_path", ""), engine.dialect.skip_autocommit_rollback)
        if key in self._known:
            engine.dialect, compiled = self._known[key]  # the cache's keys name the dialect
            engine.update_execution_options(compiled_cache=compiled)
        else:
            # A dialect learns from its first connection what the server can do.
            event.listen(engine, "connect", lambda *_: self._remember(key, engine), once=True)
        return made

    def _remember(self, key: _Kind, engine: Engine) -> None:
        if key not in self._known:
            compiled: LRUCache[Any, Any] = LRUCache(_REMEMBERED)
            engine.update_execution_options(compiled_cache=compiled)
            self._known[key] = (engine.dialect, compiled)


def _spare_the_disk(connection: Any, record: Any, _proxy: Any) -> None:
    """No test takes the power away: a commit need not wait for the disk. A killed process loses nothing by it."""
    if not record.info.get("spares_the_disk"):
        connection.execute("PRAGMA synchronous=OFF")
        record.info["spares_the_disk"] = True
