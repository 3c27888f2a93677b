"""A batch as a file: CSV streamed as it is read, an Excel sheet through a temporary file. Neither is ever whole in memory."""

import asyncio
import csv
import io
import tempfile
from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Any, BinaryIO

from services.coupon.codes import repository
from services.coupon.codes.batches import read_batch
from services.coupon.codes.models import CodeBatch
from services.coupon.codes.repository import MadeCode
from services.coupon.codes.rules import unique_state
from shared.service import Kit
from shared.web import Caller, Conflict
from shared.web.schemas import rfc3339

HEADER = ("序号 number", "兑换码 code", "状态 state", "有效期至 valid until", "兑换时间 redeemed at")
_ROWS = 10_000
_BLOCK = 1 << 16


class Downloads:
    """Hands out the codes of finished batches."""

    def __init__(self, kit: Kit) -> None:
        self._kit = kit
        self._building = asyncio.Semaphore()

    async def ready(self, caller: Caller, batch_id: str) -> None:
        """Raises NotFound for an unknown batch, Conflict for one whose codes are still being made."""
        async with self._kit.db.read() as tx:
            batch = await read_batch(tx, caller, batch_id)
        if batch.status == "running":
            detail = f"{batch.made} of {batch.total} codes are made. Download when the batch's status is done."
            raise Conflict("batch_not_ready", detail)

    async def csv(self, caller: Caller, batch_id: str) -> AsyncIterator[bytes]:
        """UTF-8 with a byte order mark, which Excel needs to see Chinese."""
        yield b"\xef\xbb\xbf" + _lines([HEADER])
        async for rows in self._rows(caller, batch_id):
            yield _lines(rows)

    async def xlsx(self, caller: Caller, batch_id: str) -> AsyncIterator[bytes]:
        """An Excel sheet, which holds a million rows. One is built at a time: that is half a minute of arithmetic."""
        with tempfile.TemporaryFile() as file:
            async with self._building:
                await self._build(file, caller, batch_id)
            file.seek(0)
            while block := await asyncio.to_thread(_block, file):
                yield block

    async def _build(self, file: BinaryIO, caller: Caller, batch_id: str) -> None:
        import xlsxwriter  # loaded by those who need it

        book = xlsxwriter.Workbook(file, {"constant_memory": True})
        sheet = book.add_worksheet("codes")
        sheet.set_column(1, 4, 26)
        written = await asyncio.to_thread(_write, sheet, 0, [HEADER])
        async for rows in self._rows(caller, batch_id):
            written = await asyncio.to_thread(_write, sheet, written, rows)
        await asyncio.to_thread(book.close)

    async def _rows(self, caller: Caller, batch_id: str) -> AsyncIterator[list[tuple[Any, ...]]]:
        """The codes by number, many at a time; each portion in a transaction of its own."""
        last = 0
        while True:
            async with self._kit.db.read() as tx:
                batch = await read_batch(tx, caller, batch_id)
                found = await repository.codes_after(tx, batch_id, last, _ROWS)
            if not found:
                return
            last = found[-1].number
            until = "" if batch.valid_until is None else rfc3339(batch.valid_until)
            now = self._kit.clock.now()
            yield [_cells(row, batch, until, now) for row in found]


def _cells(row: MadeCode, batch: CodeBatch, until: str, now: datetime) -> tuple[Any, ...]:
    state = unique_state(row.coupon_id, batch.status, batch.valid_until, now)
    return row.number, row.code, state, until, "" if row.redeemed_at is None else rfc3339(row.redeemed_at)


def _lines(rows: Sequence[tuple[Any, ...]]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text).writerows(rows)
    return text.getvalue().encode()


def _write(sheet: Any, at: int, rows: Sequence[tuple[Any, ...]]) -> int:
    """Write the rows from the sheet's row `at` on; answers the next free one. Empty cells cost nothing."""
    for line, (number, *texts) in enumerate(rows, at):
        sheet.write(line, 0, number)
        for column, text in enumerate(texts, 1):
            if text:
                sheet.write_string(line, column, text)
    return at + len(rows)


def _block(file: BinaryIO) -> bytes:
    return file.read(_BLOCK)
