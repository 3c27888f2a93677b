"""Lists of customers as merchants keep them, and rows for spreadsheets. Pure."""

import csv
import io
from collections.abc import Iterable, Sequence

from shared.table_files import TableFault, TableReader, TableRow

HEADERS = ("customer_id", "客户编号")
_LONGEST_ID = 200


class CustomerSheet:
    """Takes a file apart as it comes in: `feed` it pieces of any size, then `close` it; both answer customer ids.

    The first row may name the columns; then the ids are under `customer_id` or 客户编号, else in the first column. Empty
    rows are skipped. Raises TableFault.
    """

    def __init__(self) -> None:
        self._table = TableReader(strict=True)
        self._column: int | None = None

    def feed(self, piece: bytes) -> list[str]:
        """The ids in the rows that end in this piece."""
        return self._ids(self._table.feed(piece))

    def close(self) -> list[str]:
        """Those of the rest, when the file has ended."""
        return self._ids(self._table.close())

    def _ids(self, rows: Iterable[TableRow]) -> list[str]:
        found = []
        for row in rows:
            customer_id = self._cell(row.cells)
            if len(customer_id) > _LONGEST_ID or "\x00" in customer_id:
                raise TableFault(row.number, f"a customer id has up to {_LONGEST_ID} characters, and no NUL.")
            if customer_id:
                found.append(customer_id)
        return found

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


def csv_rows(rows: Sequence[Sequence[object]]) -> bytes:
    """Rows as CSV in UTF-8."""
    text = io.StringIO(newline="")
    csv.writer(text).writerows(rows)
    return text.getvalue().encode()
