"""Lists: `?limit=1..100&cursor=` → `{"data": […], "has_more": true, "next_cursor": "…"}`.

The cursor is opaque and signed; it holds the last row's key, so that rows that come or go never shift a page. It is good
for its own list only.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any, Generic, TypeVar, TypeVarTuple

from fastapi import Depends, Query
from pydantic_core import from_json, to_json
from sqlalchemy import ColumnElement, Select, SQLColumnExpression
from starlette.requests import Request

from shared.db import Transaction
from shared.web.identity import SCOPE_KEY, Caller
from shared.web.lanes import Lanes
from shared.web.problems import BadRequest
from shared.web.schemas import View

T = TypeVar("T")
R = TypeVar("R")
Cells = TypeVarTuple("Cells")
Column = TypeVar("Column", bound=SQLColumnExpression[Any])
_NOBODY = Caller("", "", "partner", ())


class Page(View, Generic[T]):
    """One page of a list. Ask for the next with `cursor=next_cursor` while `has_more`."""

    data: list[T]
    has_more: bool
    next_cursor: str | None = None


@dataclass(frozen=True, slots=True)
class Paging:
    """Which page is wanted, and by whom. `after` is the key of the last row already seen."""

    limit: int
    after: Any
    secret: bytes
    caller: Caller
    ascends: bool = False

    def ascending(self) -> "Paging":
        """The same page of a list that begins with its smallest key."""
        return replace(self, ascends=True)

    def cursor(self, key: Any) -> str:
        """The signed cursor of a row's key."""
        payload = to_json(key)
        return base64.urlsafe_b64encode(_tag(self.secret, payload) + payload).decode().rstrip("=")


def _tag(secret: bytes, payload: bytes) -> bytes:
    return hmac.new(secret, b"cursor" + payload, hashlib.sha256).digest()[:9]


def _open(cursor: str, secret: bytes) -> Any:
    try:
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        tag, payload = raw[:9], raw[9:]
        if hmac.compare_digest(tag, _tag(secret, payload)):
            return from_json(payload)
    except (binascii.Error, ValueError):
        pass  # answered below, like a wrong signature
    raise BadRequest("invalid_cursor", "This cursor is not one of this list. Start again without a cursor.")


async def _paging(
    request: Request,
    limit: Annotated[int, Query(ge=1, le=100, description="How many rows")] = 20,
    cursor: Annotated[str | None, Query(max_length=1000, description="`next_cursor` of the page before")] = None,
) -> AsyncIterator[Paging]:
    # The path signs with it: another list's cursor holds another kind of key.
    secret: bytes = request.app.state.cursor_secret + request.scope["path"].encode()
    lists: Lanes = request.app.state.lists
    # The route's own permission refuses who is nobody; until it is asked, they are behind a wall with nothing in it.
    caller = request.scope.get(SCOPE_KEY) or _NOBODY
    page = Paging(limit, None if cursor is None else _open(cursor, secret), secret, caller)
    async with lists.turn(caller.owner_id):
        yield page


PageParams = Annotated[Paging, Depends(_paging, scope="function")]
"""The page that is wanted. A list with filters may look through a whole table: lists leave connections to everything else,
and one owner's leave some to the lists of others."""


def filtered(statement: Select[*Cells], wanted: Mapping[Column, Any]) -> Select[*Cells]:
    """`statement` with `column = value` for each of a list's filters that was given: None asks for all."""
    return statement.where(*(column == value for column, value in wanted.items() if value is not None))


async def page_of(
    tx: Transaction,
    kind: type[R],
    statement: Select[Any],
    key: ColumnElement[Any],
    paging: Paging,
    to_view: Callable[[R], T],
) -> Page[T]:
    """Run `statement` for one page, ordered by the unique column `key`: newest first (our ids sort by their making), or
    as `paging.ascending()` says.

    `key` must be among the selected columns; `to_view` makes one answer of one row, which is of `kind` (as in `tx.rows`).
    """
    rows = await tx.rows(kind, _one_page(statement, key, paging))
    return _answer(rows, key, paging, to_view)


def _one_page(statement: Select[Any], key: ColumnElement[Any], paging: Paging) -> Select[Any]:
    if paging.after is not None:
        statement = statement.where(key > paging.after if paging.ascends else key < paging.after)
    return statement.order_by(key.asc() if paging.ascends else key.desc()).limit(paging.limit + 1)


def _answer(rows: Sequence[R], key: ColumnElement[Any], paging: Paging, to_view: Callable[[R], T]) -> Page[T]:
    shown = rows[: paging.limit]
    more = len(rows) > paging.limit
    last = getattr(shown[-1], str(key.key)) if more else None
    return Page[T](
        data=[to_view(row) for row in shown], has_more=more, next_cursor=paging.cursor(last) if more else None
    )
