"""Statements about many rows at once: one bound list instead of a parameter for each value."""

from collections.abc import Collection
from typing import Any

from sqlalchemy import ColumnElement, any_, bindparam, func, select
from sqlalchemy.dialects.postgresql import ARRAY

from shared.db import Transaction, json_dumps


def any_of(tx: Transaction, column: ColumnElement[Any], values: Collection[Any]) -> ColumnElement[bool]:
    """`column` is one of `values`. The statement's text is the same for every number of values, so it is compiled once."""
    if tx.dialect == "postgresql":
        return column == any_(bindparam(None, list(values), type_=ARRAY(column.type), unique=True))
    each = func.json_each(json_dumps(list(values))).table_valued("value")
    return column.in_(select(each.c.value))
