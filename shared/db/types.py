"""Column types that behave alike on SQLite and PostgreSQL."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

import orjson
from pydantic_core import from_json, to_json
from sqlalchemy import JSON, String
from sqlalchemy.dialects.postgresql import JSONB, TIMESTAMP
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator, TypeEngine

JsonType = JSON().with_variant(JSONB(), "postgresql")
"""JSON text on SQLite, JSONB on PostgreSQL."""


def _utc(value: datetime) -> datetime:
    if value.tzinfo is None:
        raise ValueError("naive datetime: every instant carries its zone here")
    return value.astimezone(UTC)


def instant_text(value: datetime) -> str:
    """An instant as text of fixed width, as SQLite keeps it and PostgreSQL reads it."""
    return _utc(value).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


class UtcDateTime(TypeDecorator[datetime]):
    """An aware instant in UTC; TIMESTAMPTZ on PostgreSQL, text of fixed width (so that it sorts) on SQLite.

    Binding a naive datetime raises ValueError.
    """

    impl = String(27)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """TIMESTAMPTZ or text."""
        if dialect.name == "postgresql":
            return dialect.type_descriptor(TIMESTAMP(timezone=True))
        return dialect.type_descriptor(String(27))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        """To what the driver takes."""
        if value is None:
            return None
        return _utc(value) if dialect.name == "postgresql" else instant_text(value)

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], Any] | None:  # noqa: ARG002 - SQLAlchemy's signature
        """Back to an aware instant: PostgreSQL's driver answers one in UTC, whatever the server's time zone."""
        return None if dialect.name == "postgresql" else _instant


def _instant(value: str | None) -> datetime | None:
    return None if value is None else datetime.fromisoformat(value)


def json_dumps(value: Any) -> str:
    """Compact JSON as both databases accept it: no NaN, no infinity."""
    return to_json(value, inf_nan_mode="null").decode()


json_loads = from_json


def bulk_json(values: Sequence[Any]) -> str:
    """Rows or values as one parameter that the database takes apart."""
    return orjson.dumps(values, default=_plain, option=orjson.OPT_PASSTHROUGH_DATETIME).decode()


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return instant_text(value)
    raise TypeError(f"a bulk row can't hold {type(value).__name__}")
