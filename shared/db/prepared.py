"""Statements of the hot paths, run by the driver itself: compiled once, without SQLAlchemy's work around each run.

Measured for one short statement inside a transaction, microseconds of this process's time (and until its answer):

    PostgreSQL    SQLAlchemy 95 (190–280)    prepared 25 (70–110)
    SQLite        SQLAlchemy 330 (420)       prepared 90 (110): one way to the connection's thread instead of four

They run in the transaction's own connection, so they mix with all other statements; errors are SQLAlchemy's. No lists that
grow with the statement (`IN (?, ?, …)`): say `one_of`.
"""

import re
from collections import namedtuple
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any, NamedTuple, NoReturn, cast

from sqlalchemy import Executable
from sqlalchemy.engine import Dialect
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.elements import ClauseElement

from shared.db.faults import Trouble, kind_of
from shared.db.watch import asked

Processor = Callable[[Any], Any]
_TOGETHER = 8
_PLACE = re.compile(r"\$(\d+)")
Parameters = Mapping[str, Any] | None


class Prepared:
    """One statement; give it to the methods of `Transaction` in the place of SQLAlchemy's."""

    def __init__(self, statement: Executable) -> None:
        self.statement = statement
        self.is_dml = statement.is_dml
        self._forms: dict[str, _Form] = {}

    async def read(self, connection: AsyncConnection, parameters: Parameters) -> "Found":
        """Run it for its rows."""
        form, driver = await self.ready(connection)
        values = form.values(parameters)
        try:
            if form.dialect.name == "postgresql":
                rows = await driver.fetch(form.sql, *values)
            else:
                rows = await driver.execute_fetchall(form.sql, values)
        except BaseException as error:
            await _failed(connection, form, error)
        return Found(form, rows)

    async def count(self, connection: AsyncConnection, parameters: Parameters) -> int:
        """Run it for how many rows it changes."""
        form, driver = await self.ready(connection)
        values = form.values(parameters)
        try:
            if form.dialect.name == "postgresql":
                told: str = await driver.execute(form.sql, *values)
                return int(told.rsplit(" ", 1)[1])
            before: int = driver.total_changes
            await driver.execute_fetchall(form.sql, values)
            return int(driver.total_changes) - before
        except BaseException as error:
            await _failed(connection, form, error)

    def form(self, dialect: Dialect) -> "_Form":
        """The statement as the driver takes it."""
        form = self._forms.get(dialect.name)
        if form is None:
            form = self._forms[dialect.name] = _Form.of(self.statement, dialect)
        return form

    async def ready(self, connection: AsyncConnection) -> tuple["_Form", Any]:
        """The same, and the driver's connection, in its transaction."""
        form = self.form(connection.dialect)
        raw = await connection.get_raw_connection()
        if form.dialect.name == "postgresql":
            adapter: Any = raw.dbapi_connection
            asked(connection.sync_connection)
            if adapter._transaction is None:  # SQLAlchemy's adapter sends BEGIN with its own first statement
                try:
                    await adapter._start_transaction()
                except BaseException as error:
                    # Whoever is next would have a savepoint in what was begun here, and commit nothing.
                    await _failed(connection, form, error)
        return form, raw.driver_connection


class Write(NamedTuple):
    """A write that may wait. `changes`: it changes rows of the table that are there, else it adds some."""

    statement: Prepared
    parameters: Mapping[str, Any]
    table: str
    changes: bool


async def run_together(connection: AsyncConnection, waiting: Sequence[Write]) -> None:
    """Run writes, in as few statements as the database can."""
    for group in _groups(waiting) if connection.dialect.name == "postgresql" else [[one] for one in waiting]:
        if len(group) == 1:
            await group[0].statement.count(connection, group[0].parameters)
        else:
            joined = _joined(tuple(one.statement for one in group))
            await joined.run(connection, [one.parameters for one in group])


def _groups(waiting: Sequence[Write]) -> list[list[Write]]:
    """In their order. Parts of one statement do not see each other: what is changed in one is touched by no other."""
    groups: list[list[Write]] = []
    for one in waiting:
        last = groups[-1] if groups else ()
        alone = any(other.table == one.table and (other.changes or one.changes) for other in last)
        if not groups or alone or len(last) == _TOGETHER:
            groups.append([])
        groups[-1].append(one)
    return groups


class _Joined:
    """Writes as one statement of PostgreSQL's."""

    def __init__(self, parts: Sequence[Prepared]) -> None:
        self._parts = parts
        self._sql = ""

    async def run(self, connection: AsyncConnection, parameters: Sequence[Parameters]) -> None:
        values: list[Any] = []
        for part, given in zip(self._parts, parameters, strict=True):
            form, driver = await part.ready(connection)
            values += form.values(given)
        self._sql = self._sql or self._written(connection.dialect)
        try:
            await driver.execute(self._sql, *values)
        except BaseException as error:
            await _failed(connection, form, error)

    def _written(self, dialect: Dialect) -> str:
        parts, count = [], 0
        for number, part in enumerate(self._parts):
            form = part.form(dialect)
            sql = _PLACE.sub(lambda place, before=count: f"${int(place[1]) + before}", form.sql)  # type: ignore[misc]
            parts.append(f"part_{number} AS ({sql})")
            count += len(form.names)
        # PostgreSQL runs them from the last to the first: so messages keep their order, though nobody promises it.
        return f"WITH {', '.join(reversed(parts))} SELECT 1"


@lru_cache(maxsize=256)
def _joined(parts: tuple[Prepared, ...]) -> _Joined:
    return _Joined(parts)


@dataclass(frozen=True)
class _Form:
    """The statement for one database."""

    dialect: Dialect
    sql: str
    compiled: SQLCompiler
    names: tuple[str, ...]
    """of the parameters, in the driver's order"""
    into: tuple[Processor | None, ...]
    columns: tuple[str, ...]
    out: tuple[Processor | None, ...]

    @classmethod
    def of(cls, statement: Executable, dialect: Dialect) -> "_Form":
        compiled = cast("SQLCompiler", cast("ClauseElement", statement).compile(dialect=dialect))
        names = tuple(compiled.positiontup or ())
        columns = compiled._result_columns
        return cls(
            dialect,
            compiled.string,
            compiled,
            names,
            tuple(compiled.binds[name].type.dialect_impl(dialect).bind_processor(dialect) for name in names),
            tuple(column.keyname for column in columns),
            tuple(column.type.dialect_impl(dialect).result_processor(dialect, None) for column in columns),
        )

    @cached_property
    def row(self) -> Any:
        """What a row of a table's model is made of."""
        return namedtuple("Row", self.columns)

    def values(self, parameters: Parameters) -> Sequence[Any]:
        given = self.compiled.construct_params(dict(parameters) if parameters else None)
        return [
            given[name] if process is None else process(given[name])
            for name, process in zip(self.names, self.into, strict=True)
        ]


class Found:
    """The rows that a prepared statement answered."""

    def __init__(self, form: _Form, rows: Sequence[Any]) -> None:
        self._form = form
        self._rows = rows

    def keys(self) -> tuple[str, ...]:
        """The names of the columns."""
        return self._form.columns

    def tuples(self) -> list[tuple[Any, ...]]:
        """Every row."""
        out = [(at, process) for at, process in enumerate(self._form.out) if process is not None]
        found = []
        for row in self._rows:
            cells = [*row]
            for at, process in out:
                cells[at] = process(cells[at])
            found.append(tuple(cells))
        return found

    def all(self) -> list[Any]:
        """Every row, with the names of its columns."""
        return [self._form.row(*row) for row in self.tuples()]


async def _failed(connection: AsyncConnection, form: _Form, error: BaseException) -> NoReturn:
    """Raise what SQLAlchemy would have raised. A connection that is gone, or was left in the middle, is not used again."""
    raw = await connection.get_raw_connection()
    adapter: Any = raw.dbapi_connection
    base = form.dialect.loaded_dbapi.Error
    if not isinstance(error, Exception):  # cancelled
        await connection.invalidate()
        raise error
    told = error
    try:
        adapter._handle_exception(error)
    except Exception as translated:
        told = translated
    if not isinstance(told, base):
        raise error  # such as a value that can't be written
    gone = form.dialect.is_disconnect(told, adapter, None) or kind_of(told) is Trouble.READ_ONLY
    if gone:
        # As SQLAlchemy does: the others of the pool are older than this loss, and replaced when somebody wants them.
        connection.engine.pool._invalidate(raw, told, _checkin=False)
        await connection.invalidate()
    raise DBAPIError.instance(
        form.sql, None, told, base, hide_parameters=True, connection_invalidated=gone, dialect=form.dialect
    ) from error
