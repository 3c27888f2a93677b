"""The wall between owners 归属墙: what was made under a partner's keys exists for that partner and for the merchant, and for
nobody else. Every statement that finds an owner's object for a caller goes through here, so that lists, filters, cursors and
single reads agree: what is behind the wall is not there.

A list's `Paging` carries its caller; a row that was found in another way is asked about with `Caller.sees`.
"""

from typing import Any, TypeVarTuple

from sqlalchemy import ColumnElement, Index, Select, literal_column, text

from shared.web.identity import MERCHANT, Caller

Cells = TypeVarTuple("Cells")
_MERCHANTS = f"'{MERCHANT}'"


def partners_index(table: str, key: str = "id") -> Index:
    """The index by which `visible` finds a partner's rows of a large table in the order of its lists."""
    theirs = text(f"owner_id <> {_MERCHANTS}")
    return Index(f"ix_{table}_partners", "owner_id", key, sqlite_where=theirs, postgresql_where=theirs)


def visible(statement: Select[*Cells], owner: ColumnElement[Any], caller: Caller) -> Select[*Cells]:
    """`statement` without what other owners made. `owner` is the column that says whose each row is.

    Large tables have an index of the partners' rows alone, so that the merchant's pay nothing for the wall: hence the second
    condition, which SQLite wants to read word for word.
    """
    return (
        statement if caller.wall is None else statement.where(owner == caller.wall, owner != literal_column(_MERCHANTS))
    )


def offered(statement: Select[*Cells], owner: ColumnElement[Any], caller: Caller) -> Select[*Cells]:
    """The same where the merchant's own rows are for everybody: the catalogue, which partners read and don't change."""
    return statement if caller.wall is None else statement.where(owner.in_((caller.wall, MERCHANT)))
