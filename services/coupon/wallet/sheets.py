"""Lists of customers as merchants keep them: CSV out of any spreadsheet, in UTF-8 or GB18030. Pure."""

import csv
import io
from collections.abc import Sequence

HEADERS = ("customer_id", "客户编号")
_LONGEST_ID, _LONGEST_LINE = 200, 65_536
_UTF8_MARK, _UTF16_MARKS = b"\xef\xbb\xbf", (b"\xff\xfe", b"\xfe\xff")


class SheetFault(Exception):
    """The file can't be read; says in which line and what to do about it."""

    def __init__(self, line: int, detail: str) -> None:
        super().__init__(f"Line {line}: {detail}")


class CustomerSheet:
    """Takes a file apart as it comes in: `feed` it pieces of any size, then `close` it; both answer customer ids.

    The first row may name the columns; then the ids are under `customer_id` or 客户编号, else in the first column. Empty
    rows are skipped. The encoding is what the first characters beyond ASCII show.
    """

    def __init__(self) -> None:
        self._rest = b""
        self._begun = False
        self._encoding: str | None = None
        self._column: int | None = None
        self._line = 0

    def feed(self, piece: bytes) -> list[str]:
        whole, newline, rest = (self._rest + piece).rpartition(b"\n")
        self._rest = rest
        if len(rest) > _LONGEST_LINE:
            raise SheetFault(self._line + whole.count(b"\n") + 1, "it has no end; save the file as plain CSV.")
        return self._ids(whole + newline) if newline else []

    def close(self) -> list[str]:
        rest, self._rest = self._rest, b""
        return self._ids(rest) if rest else []

    def _ids(self, block: bytes) -> list[str]:
        if not self._begun:
            self._begun = True
            if block.startswith(_UTF16_MARKS):
                raise SheetFault(1, "the file is UTF-16; save it as CSV UTF-8.")
            block = block.removeprefix(_UTF8_MARK)
        # A newline byte never is a part of another character in either encoding, so lines may be decoded by themselves.
        lines = self._text(block).split("\n")
        reader = csv.reader(lines, strict=True)
        found, read = [], 0
        try:
            for row in reader:
                customer_id = self._cell(row)
                if customer_id:
                    self._check(customer_id, reader.line_num)
                    found.append(customer_id)
                read = reader.line_num
        except csv.Error:
            raise SheetFault(self._line + read + 1, "its quotes don't match; check the row.") from None
        self._line += len(lines) - 1
        return found

    def _text(self, block: bytes) -> str:
        if self._encoding is None and not block.isascii():
            try:
                block.decode()
                self._encoding = "utf-8"
            except UnicodeDecodeError:
                self._encoding = "gb18030"
        try:
            return block.decode(self._encoding or "ascii")
        except UnicodeDecodeError as error:
            line = self._line + block.count(b"\n", 0, error.start) + 1
            raise SheetFault(line, "it is neither UTF-8 nor GB18030; save the file as CSV UTF-8.") from None

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

    def _check(self, customer_id: str, line: int) -> None:
        if len(customer_id) > _LONGEST_ID or "\x00" in customer_id:
            raise SheetFault(self._line + line, f"a customer id has up to {_LONGEST_ID} characters, and no NUL.")


def csv_rows(rows: Sequence[Sequence[object]]) -> bytes:
    """Rows as CSV in UTF-8."""
    text = io.StringIO(newline="")
    csv.writer(text).writerows(rows)
    return text.getvalue().encode()
