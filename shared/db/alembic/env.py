"""Alembic's environment for every part: the connection and the metadata come from shared.db.migrate."""

from typing import Any, Literal

import sqlalchemy as sa
from alembic import context
from sqlmodel import AutoString


def _render(kind: str, item: Any, _context: Any) -> str | Literal[False]:
    """How a revision names what Alembic's own words do not fit: our JSON is another type on each database, and SQLModel has a
    type of its own for text.
    """
    if kind != "type":
        return False
    if isinstance(item, sa.JSON):
        return "types.JsonType"
    return f"sa.String(length={item.length})" if isinstance(item, AutoString) else False


attributes = context.config.attributes
context.configure(
    connection=attributes["connection"],
    target_metadata=attributes["metadata"],
    render_as_batch=True,
    render_item=_render,
    compare_type=True,
    user_module_prefix="types.",
)
with context.begin_transaction():
    context.run_migrations()
