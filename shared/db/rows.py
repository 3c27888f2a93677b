"""Rows with a type: what a statement answers, as the class that declares its columns.

This is the one place where a driver's untyped row gets its type. Elsewhere a misspelt column is an error of mypy.
"""

from dataclasses import fields, is_dataclass
from typing import Any, Protocol, TypeVar, cast

from sqlalchemy import Row

from shared.db.base import TableModel

R = TypeVar("R")
_fitting: set[tuple[type, tuple[str, ...]]] = set()
"""Kinds and the columns that were found to fit them: looked at once for each shape of statement."""


class Answer(Protocol):
    """The part of SQLAlchemy's results that is read here."""

    def keys(self) -> Any:
        """The names of the columns."""

    def all(self) -> Any:
        """Every row."""


def shaped(kind: type[R], answer: Answer) -> list[R]:
    """The rows of an answer as `kind`.

    A table's model stands for its whole row, read only (the row itself, which has the model's attributes). A NamedTuple or
    dataclass is made of the columns in the order of its fields. Raises TypeError when the statement's columns are others.
    """
    names = tuple(answer.keys())
    model = issubclass(kind, TableModel)
    if (kind, names) not in _fitting:
        wanted = _names(kind)
        if (sorted(names) != sorted(wanted)) if model else (names != wanted):
            raise TypeError(f"{kind.__name__} has {wanted}, the statement answers {names}")
        _fitting.add((kind, names))
    rows = answer.all()
    return cast("list[R]", rows) if model else [kind(*row) for row in rows]


def as_dict(row: TableModel) -> dict[str, Any]:
    """The values of a table's row by column, to make a view or a changed row of them."""
    return dict(cast("Row[Any]", row)._asdict())  # a prepared statement's rows have the same


def _names(kind: type[Any]) -> tuple[str, ...]:
    if issubclass(kind, TableModel):
        return tuple(kind.c.keys())
    if is_dataclass(kind):
        return tuple(one.name for one in fields(kind))
    return cast("tuple[str, ...]", kind._fields)  # a NamedTuple
