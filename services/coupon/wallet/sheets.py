"""Lists of customers as merchants keep them, and rows for spreadsheets. Pure."""

import csv
import io
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from shared.external_ids import fault_of, shown
from shared.table_files import TableReader, TableRow

HEADERS = ("customer_id", "客户编号")
UNCLEAR_ID = "unclear_id"
"""The code of a row whose id can't be one."""


class SheetRow(NamedTuple):
    """Whom a row names. `code`: why they get nothing; then `customer_id` shows what stands there, unseen characters by number."""

    customer_id: str
    code: str | None = None


class CustomerSheet:
    """Takes a file apart as it comes in: `feed` it pieces of any size, then `close` it; both answer whom it names.

    The first row may name the columns; then the ids are under `customer_id` or 客户编号, else in the first column. Empty
    rows are skipped, and so are blanks around an id. A row whose id can't be one is told by its code; the others stand. Raises
    TableFault for what is no table.
    """

    def __init__(self) -> None:
        self._table = TableReader(strict=True)
        self._column: int | None = None

    def feed(self, piece: bytes) -> list[SheetRow]:
        """Those in the rows that end in this piece."""
        return self._ids(self._table.feed(piece))

    def close(self) -> list[SheetRow]:
        """Those of the rest, when the file has ended."""
        return self._ids(self._table.close())

    def _ids(self, rows: Iterable[TableRow]) -> list[SheetRow]:
        return [_named(cell) for row in rows if (cell := self._cell(row.cells))]

    def _cell(self, row: Sequence[str]) -> str:
        if self._column is None:
            if not any(row):
                return ""
            names = [cell.strip().lower() for cell in row]
            named = next((names.index(name) for name in HEADERS if name in names), None)
            self._column = named or 0
            if named is not None:
                return ""
        return row[self._column].strip() if len(row) > self._column else ""


def _named(cell: str) -> SheetRow:
    return SheetRow(cell) if fault_of(cell) is None else SheetRow(shown(cell), UNCLEAR_ID)


def csv_rows(rows: Sequence[Sequence[object]]) -> bytes:
    """Rows as CSV in UTF-8."""
    text = io.StringIO(newline="")
    csv.writer(text).writerows(rows)
    return text.getvalue().encode()
