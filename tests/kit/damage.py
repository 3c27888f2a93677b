"""Damage that is done to a database behind the service's back, for its audit to find."""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, TypeVar

from sqlalchemy import Table, text

from shared.db import Database, Transaction

T = TypeVar("T")


class _Undone(Exception):
    """Takes a transaction back."""


async def strike(db: Database, damage: Any) -> None:
    """Do the damage; the CHECKs that would stop it are out of the way."""
    async with db.write() as tx:
        await _without_checks(tx, damage)
        assert (await tx.execute(damage)).rowcount > 0


async def _without_checks(tx: Transaction, damage: Any) -> None:
    if tx.dialect == "sqlite":
        await tx.execute(text("PRAGMA ignore_check_constraints=ON"))
    elif isinstance(damage.table, Table):
        names = [str(one.name) for one in damage.table.constraints if type(one).__name__ == "CheckConstraint"]
        for name in names:
            await tx.execute(text(f'ALTER TABLE "{damage.table.name}" DROP CONSTRAINT "{name}"'))


async def found_after(db: Database, damage: Any, audit: Callable[[], Awaitable[dict[str, T]]]) -> dict[str, T]:
    """What the audit finds after this damage, which is undone then."""
    found: dict[str, T] = {}
    with suppress(_Undone):
        async with db.joined() as tx:
            try:
                await strike(db, damage)
                found = await audit()
            finally:
                if db.dialect == "sqlite":
                    await tx.execute(text("PRAGMA ignore_check_constraints=OFF"))
            raise _Undone
    return found
