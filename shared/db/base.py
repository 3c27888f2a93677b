"""The metadata of one part, with the tables that every part has: outbox, inbox and idempotency records."""

from typing import Any, ClassVar

from sqlalchemy import (
    BigInteger,
    Column,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
)
from sqlalchemy.orm import registry
from sqlalchemy.sql.base import ReadOnlyColumnCollection
from sqlmodel import SQLModel
from sqlmodel.main import SQLModelMetaclass

from shared.db.types import JsonType, UtcDateTime

_NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}
AutoId = BigInteger().with_variant(Integer(), "sqlite")
"""A growing 64-bit row number (SQLite only counts INTEGER primary keys up by itself)."""


class _TableOf:
    def __get__(self, _instance: object, model: type[SQLModel]) -> Table:
        found: Table = model.__table__  # type: ignore[attr-defined] # set by SQLModel's metaclass
        return found


class _ColumnsOf:
    def __get__(self, _instance: object, model: type[SQLModel]) -> ReadOnlyColumnCollection[str, Column[Any]]:
        found: ReadOnlyColumnCollection[str, Column[Any]] = model.__table__.c  # type: ignore[attr-defined] # as above
        return found


class _Declared(SQLModelMetaclass):
    """Makes a table of the declaration, and no more: rows come from statements, so it needs neither a mapper nor a validator,
    which take a tenth of a start.
    """

    def __init__(self, classname: str, bases: tuple[type, ...], dict_: dict[str, Any], **kw: Any) -> None:
        if not kw.get("table"):
            super().__init__(classname, bases, dict_, **kw)
            return
        columns: dict[str, Column[Any]] = {name: getattr(self, name) for name in self.model_fields}
        for name, column in columns.items():
            column.name = column.key = column.name or name
        items = list(getattr(self, "__table_args__", ()))
        options = items.pop() if items and isinstance(items[-1], dict) else {}
        table = Table(dict_["__tablename__"], self.metadata, *columns.values(), *items, **options)
        type.__setattr__(self, "__table__", table)


class TableModel(SQLModel, metaclass=_Declared):
    """The one declaration of a table: its columns, and the type of its rows (docs/adr/0009-data-access.md).

    Statements name `Coupon.table` and `Coupon.c.status`; `tx.rows(Coupon, statement)` answers rows of that type.
    """

    model_config = {"defer_build": True}
    table: ClassVar[_TableOf] = _TableOf()
    c: ClassVar[_ColumnsOf] = _ColumnsOf()

    def __init__(self, **values: Any) -> None:
        """A row that lies in no table, such as a rehearsal's: read only, and believed without a look at its values."""
        optional = {name: one for name, one in type(self).model_fields.items() if not one.is_required()}
        defaults = {name: one.get_default(call_default_factory=True) for name, one in optional.items()}
        row = {"__dict__": {**defaults, **values}, "__pydantic_fields_set__": set(values)}
        for name, value in (row | {"__pydantic_extra__": None, "__pydantic_private__": None}).items():
            object.__setattr__(self, name, value)


def part_registry() -> registry:
    """A registry of its own for one part: `class Base(TableModel, registry=part_registry())`.

    Separate metadata keep the parts' tables apart in the one-process arrangement.
    """
    metadata = MetaData(naming_convention=_NAMING)
    Table(
        "outbox",
        metadata,
        Column("seq", AutoId, primary_key=True, autoincrement=True),
        Column("pack_id", String(40), nullable=False),
        Column("name", String(80), nullable=False),
        Column("body", LargeBinary, nullable=False),
        Column("created_at", UtcDateTime, nullable=False),
    )
    Table(
        "inbox",
        metadata,
        Column("consumer", String(80), nullable=False),
        Column("message_id", String(80), nullable=False),
        Column("received_at", UtcDateTime, nullable=False),
        PrimaryKeyConstraint("consumer", "message_id"),
        Index(None, "received_at"),
    )
    Table(
        "idempotency",
        metadata,
        Column("owner", String(200), nullable=False),
        Column("key", String(255), nullable=False),
        Column("fingerprint", String(64), nullable=False),
        Column("token", String(40), nullable=False),
        Column("lease_until", UtcDateTime),
        Column("status", Integer),
        Column("headers", JsonType),
        Column("body", LargeBinary),
        Column("created_at", UtcDateTime, nullable=False),
        PrimaryKeyConstraint("owner", "key"),
        Index(None, "created_at"),
    )
    return registry(metadata=metadata)
