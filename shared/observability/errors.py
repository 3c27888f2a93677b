"""Errors as logs tell them: what went wrong and where, and nothing of what people sent."""

import re
import sqlite3
import traceback
from types import TracebackType

from pydantic import ValidationError

from shared.observability.masks import mask

_FIELD = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,39}")
_SHOWN = 5
ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None]


def summary(error: BaseException, length: int = 300) -> str:
    """One line: the error's kind, a colon, and its text.

    Of a value that was refused the line has the place and the reason, of a database's error its code and the constraint, as both
    texts quote what was sent; of any other error the first line, masked.
    """
    return f"{type(error).__name__}: {_text(error)}"[:length]


def _text(error: BaseException) -> str:
    if isinstance(error, ValidationError):
        found = error.errors(include_url=False, include_context=False, include_input=False)
        told = "; ".join(f"{_place(one['loc'])} {one['type']}" for one in found[:_SHOWN])
        return f"{error.error_count()} in {error.title}: {told}"
    database = _of_database(error)
    if database is not None:
        return database
    return mask(next(iter(str(error).splitlines()), ""))


def _of_database(error: BaseException) -> str | None:
    """Code, class and constraint of a database's error; None for others."""
    one: BaseException | None = error
    code = name = constraint = ""
    while one is not None:
        if isinstance(one, sqlite3.Error):
            return mask(str(one).splitlines()[0] if str(one) else type(one).__name__)  # names columns, quotes no values
        if found := getattr(one, "sqlstate", None):
            code, name = str(found), type(one).__name__
            constraint = getattr(one, "constraint_name", None) or constraint
        one = getattr(one, "orig", None) or one.__cause__
    return " ".join(part for part in (name, code, constraint) if part) if code else None


def _place(location: tuple[int | str, ...]) -> str:
    """`payload.lines.3.sku`; what is not shaped like the name of a field came from outside."""
    parts = [str(one) if isinstance(one, int) or _FIELD.fullmatch(one) else "…" for one in location]
    return mask(".".join(parts)) or "value"


def format_exception(exc_info: ExcInfo) -> str:
    """A traceback with each error told as `summary` does: the cause first, as Python prints it."""
    return _with_causes(exc_info[1])


def _with_causes(error: BaseException) -> str:
    chain = [error]
    while (
        before := chain[-1].__cause__ or (None if chain[-1].__suppress_context__ else chain[-1].__context__)
    ) is not None:
        if before in chain:
            break
        chain.append(before)
    told = []
    for one in reversed(chain):
        lines = "".join(traceback.format_tb(one.__traceback__))
        inner = one.exceptions if isinstance(one, BaseExceptionGroup) else ()
        told.append(
            "\n".join([f"Traceback (most recent call last):\n{lines}{summary(one)}", *map(_with_causes, inner)])
        )
    return "\n\nThe above exception led to the following one:\n\n".join(told)
