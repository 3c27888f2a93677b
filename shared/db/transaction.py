"""One open transaction, and what is done with it."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, Literal, NamedTuple, TypeVar, cast

from sqlalchemy import CursorResult, Executable
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.db.prepared import Prepared, Write, run_together
from shared.db.rows import shaped

R = TypeVar("R")
Parameters = Mapping[str, Any] | Sequence[Mapping[str, Any]] | None


class Transaction:
    """One open transaction. Repositories take it as their first argument; only its owner commits."""

    def __init__(self, connection: AsyncConnection, dialect: Literal["sqlite", "postgresql"]) -> None:
        self.connection = connection
        self.dialect = dialect
        self.changed = False
        """It was asked to change something."""
        self._after_commit: list[Callable[[], None]] = []
        self._afterwards: list[Errand] = []
        self._later: list[Write] = []

    def later(self, write: Write) -> None:
        """Run a write whose outcome nobody asks before the next statement or the end, in one go with others that wait."""
        self._later.append(write)

    @property
    def waits(self) -> bool:
        """Some writes wait."""
        return bool(self._later)

    async def settle(self) -> None:
        """Run what waits."""
        waiting, self._later = self._later, []
        if waiting:
            self.changed = True
            await run_together(self.connection, waiting)

    @asynccontextmanager
    async def nested(self) -> AsyncIterator[None]:
        """A block whose writes an exception takes back, and only those."""
        await self.settle()
        try:
            async with self.connection.begin_nested():
                yield
                await self.settle()
        except BaseException:
            self._later.clear()
            raise

    async def execute(self, statement: Executable, parameters: Parameters = None) -> CursorResult[Any]:
        """Run one statement, or one statement with many parameter sets."""
        await self.settle()
        self.changed |= statement.is_dml
        return await self.connection.execute(statement, parameters)

    async def rows(
        self, kind: type[R], statement: Executable | Prepared, parameters: Mapping[str, Any] | None = None
    ) -> list[R]:
        """The rows that the statement answers, as `kind`: a table's model, or a NamedTuple or dataclass of the columns."""
        await self.settle()
        self.changed |= statement.is_dml
        if isinstance(statement, Prepared):
            return shaped(kind, await statement.read(self.connection, parameters))
        return shaped(kind, await self.connection.execute(statement, parameters))

    async def row(
        self, kind: type[R], statement: Executable | Prepared, parameters: Mapping[str, Any] | None = None
    ) -> R | None:
        """The only row, or None. More than one is a mistake: ValueError."""
        found = await self.rows(kind, statement, parameters)
        if len(found) > 1:
            raise ValueError(f"{len(found)} rows of {kind.__name__} where one at most was meant")
        return found[0] if found else None

    async def tuples(self, statement: Prepared, parameters: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        """The rows that the statement answers, as they are."""
        await self.settle()
        return (await statement.read(self.connection, parameters)).tuples()

    async def run(self, statement: Executable | Prepared, parameters: Parameters = None) -> int:
        """Write: with one set of parameters or with many. Answers how many rows were changed.

        With many sets PostgreSQL's driver does not count: ask only after statements with one. Prepared ones take one.
        """
        await self.settle()
        self.changed |= statement.is_dml
        if isinstance(statement, Prepared):
            return await statement.count(self.connection, cast("Mapping[str, Any] | None", parameters))
        return (await self.connection.execute(statement, parameters)).rowcount

    async def scalars(self, statement: Executable | Prepared, parameters: Mapping[str, Any] | None = None) -> list[Any]:
        """The first column of each row."""
        await self.settle()
        self.changed |= statement.is_dml
        if isinstance(statement, Prepared):
            return [row[0] for row in (await statement.read(self.connection, parameters)).tuples()]
        return list((await self.connection.execute(statement, parameters)).scalars())

    async def scalar(self, statement: Executable | Prepared, parameters: Mapping[str, Any] | None = None) -> Any:
        """The first column of the first row, or None."""
        await self.settle()
        if isinstance(statement, Prepared):
            return next(iter(await self.scalars(statement, parameters)), None)
        return await self.connection.scalar(statement, parameters)

    def after_commit(self, callback: Callable[[], None]) -> None:
        """Call `callback` once this transaction is durable; not at all when it rolls back."""
        if callback not in self._after_commit:
            self._after_commit.append(callback)

    def afterwards(self, errand: "Errand") -> None:
        """Do it in a transaction of its own once this one is over, however it ended: committed or rolled back."""
        self._afterwards.append(errand)

    def committed(self) -> None:
        """Call what waits for the commit."""
        for callback in self._after_commit:
            callback()

    def take_afterwards(self) -> list["Errand"]:
        """What was left for afterwards, once."""
        errands, self._afterwards = self._afterwards, []
        return errands


class Errand(NamedTuple):
    """Work for a transaction of its own, and what is called when that is over, though it failed or never began."""

    work: Callable[[Transaction], Awaitable[None]]
    over: Callable[[], None]
