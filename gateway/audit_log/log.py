"""Writes the audit log, and shows it. A fact is written in the transaction of what it tells, a call before it is let through."""

import csv
import io
from collections.abc import AsyncIterator, Sequence
from typing import Any

from gateway.audit_log import repository
from gateway.audit_log.models import AuditEntry
from gateway.audit_log.repository import Wanted
from gateway.audit_log.rules import COVERED
from gateway.audit_log.schemas import AuditView
from shared.db import Transaction, json_dumps
from shared.ids import new_id
from shared.observability.context import current_cause
from shared.service import Kit
from shared.web import Caller, NotFound, Page, Paging

_AT_ONCE = 1000
_COLUMNS = ("hash", *COVERED)


class AuditLog:
    """`record(tx, caller, "key.revoke", key_id)`; `detail` never holds a secret."""

    def __init__(self, kit: Kit) -> None:
        self._db = kit.db
        self._clock = kit.clock

    async def record(
        self,
        tx: Transaction,
        caller: Caller | None,
        action: str,
        object_id: str,
        owner_id: str | None = None,
        **detail: Any,
    ) -> None:
        """`owner_id` is who may see the entry, the caller's owner unless given."""
        row = {
            "id": new_id("aud"),
            "at": self._clock.now(),
            "kind": "fact",
            "open": False,
            "actor": caller.actor if caller else None,
            "owner_id": owner_id or (caller.owner_id if caller else None),
            "action": action,
            "object_id": object_id,
            "request_id": current_cause.get().correlation_id,
            "detail": detail,
        }
        await repository.insert_entry(tx, row)

    async def begin(self, caller: Caller, action: str, object_id: str, address: str, request_id: str) -> str:
        """Write down that somebody asks for something; answers the entry's id. What can't be written down is not done."""
        entry_id = new_id("aud")
        row = {
            "id": entry_id,
            "at": self._clock.now(),
            "kind": "call",
            "open": True,
            "actor": caller.actor,
            "owner_id": caller.owner_id,
            "action": action,
            "object_id": object_id[:200],
            "address": address[:60],
            "request_id": request_id,
            "detail": {},
        }
        async with self._db.write() as tx:
            await repository.insert_entry(tx, row)
        return entry_id

    async def finish(self, entry_id: str, status: int | None, values: dict[str, Any]) -> None:
        """Write down what became of it: the answer's status, None where there was none; the object before and after."""
        async with self._db.write() as tx:
            await repository.close_entry(tx, entry_id, {"status": status, **values})

    async def page(self, caller: Caller, paging: Paging, wanted: Wanted) -> Page[AuditView]:
        """What the caller may see of it, newest first."""
        async with self._db.read() as tx:
            return await repository.page(tx, caller, wanted, paging, AuditView.model_validate)

    async def read(self, caller: Caller, entry_id: str) -> AuditView:
        """One entry. Raises NotFound."""
        async with self._db.read() as tx:
            found = await repository.find(tx, caller, entry_id)
        if found is None:
            raise NotFound("not_found", "There is no such entry.")
        return AuditView.model_validate(found)

    async def csv(self, caller: Caller, wanted: Wanted) -> AsyncIterator[bytes]:
        """For spreadsheets: UTF-8 with a byte order mark; no cell is taken for a formula."""
        yield b"\xef\xbb\xbf" + _lines([_COLUMNS])
        async for rows in self._rows(caller, wanted):
            yield _lines([[_cell(one) for one in _told(row).values()] for row in rows])

    async def json_lines(self, caller: Caller, wanted: Wanted) -> AsyncIterator[bytes]:
        """For programs, and for who wants to check the chain by themselves: an object in each line, as it is hashed."""
        async for rows in self._rows(caller, wanted):
            yield b"".join(json_dumps(_told(row)).encode() + b"\n" for row in rows)

    async def _rows(self, caller: Caller, wanted: Wanted) -> AsyncIterator[list[AuditEntry]]:
        """Many at a time, each portion in a transaction of its own."""
        last = ""
        while True:
            async with self._db.read() as tx:
                rows = await repository.entries_after(tx, caller, wanted, last, _AT_ONCE)
            if not rows:
                return
            last = rows[-1].id
            yield rows


def _told(row: AuditEntry) -> dict[str, Any]:
    told = {name: getattr(row, name) for name in _COLUMNS}
    return told | {"at": row.at.isoformat(timespec="microseconds").replace("+00:00", "Z")}


def _cell(value: Any) -> str:
    text = "" if value is None else value if isinstance(value, str) else json_dumps(value)
    return "'" + text if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text


def _lines(rows: Sequence[Sequence[str]]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text).writerows(rows)
    return text.getvalue().encode()
