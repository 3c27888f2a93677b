"""Filters of lists."""

import pytest
from sqlalchemy import Boolean, Column, MetaData, String, Table, select
from sqlalchemy.dialects import postgresql

from shared.web import filtered

_NOTE = Table("note", MetaData(), Column("id", String), Column("kind", String), Column("active", Boolean))


@pytest.mark.parametrize(
    ("kind", "active", "where"),
    [
        (None, None, ""),
        ("a", None, " WHERE note.kind = 'a'"),
        (None, False, " WHERE note.active = false"),
        ("", True, " WHERE note.kind = '' AND note.active = true"),
    ],
)
def test_only_the_filters_that_were_given_narrow_a_list(kind: str | None, active: bool | None, where: str) -> None:
    statement = filtered(select(_NOTE.c.id), {_NOTE.c.kind: kind, _NOTE.c.active: active})
    sql = statement.compile(dialect=postgresql.dialect(), compile_kwargs={"literal_binds": True})  # type: ignore[no-untyped-call] # SQLAlchemy types it for 2.1 only in part
    assert " ".join(str(sql).split()).removeprefix("SELECT note.id FROM note") == where
