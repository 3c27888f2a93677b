"""Tables as merchants keep them: CSV out of any spreadsheet or shop system, taken apart as it comes in. Pure.

UTF-8 and UTF-16 are known by their mark, else the first characters beyond ASCII tell UTF-8 from GB18030 (which includes GBK).
The first line shows what separates the cells.
"""

import codecs
import csv
import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

DELIMITERS = ",;\t|"
_MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_LONGEST_MARK, _LONGEST_LINE = 3, 1 << 20
_BEYOND_ASCII = re.compile(rb"[\x80-\xff]")
_END = re.compile(r"\r\n|\n|\r(?!\Z)")  # a \r at the end may be half of a \r\n
_UNDECODED = re.compile("[\udc80-\udcff]")


class TableFault(ValueError):
    """The table can't be read; says in which line and what to do about it."""

    def __init__(self, line: int, detail: str) -> None:
        super().__init__(f"Line {line}: {detail}")


@dataclass(frozen=True, slots=True)
class TableRow:
    """`number` is the line in the file on which the row ends (the first is line 1), as a spreadsheet counts it."""

    number: int
    cells: list[str]


class TableReader:
    """`feed` it pieces of any size, then `close` it; both answer the rows that are whole by then, without empty ones.

    `strict`: what can't be read is a TableFault. Else broken bytes stay in their cells as surrogates, and a row that can't be
    taken apart has no cells.
    """

    def __init__(self, *, strict: bool) -> None:
        self._strict = strict
        self._undecided = b""
        self._decoder: codecs.IncrementalDecoder | None = None
        self._text = ""
        self._lines = _Lines()
        self._reader: Iterator[list[str]] | None = None
        self.encoding = "utf-8"

    def feed(self, piece: bytes) -> list[TableRow]:
        """The rows that end in this piece."""
        return self._take(self._decode(piece, last=False))

    def close(self) -> list[TableRow]:
        """The rest, when the file has ended."""
        text = self._decode(b"", last=True)
        self._lines.closed = True
        return self._take(text)

    def _decode(self, piece: bytes, *, last: bool) -> str:
        if self._decoder is None:
            self._undecided += piece
            encoding = _encoding(self._undecided, last=last)
            if encoding is None:
                return self._plain(last=last)
            self.encoding, piece, self._undecided = encoding, self._undecided, b""
            errors = "replace" if encoding == "utf-16" else "surrogateescape"
            self._decoder = codecs.getincrementaldecoder(encoding)(errors)
        return self._decoder.decode(piece, last)

    def _plain(self, *, last: bool) -> str:
        """The whole lines of ASCII that come before anything undecided."""
        if not last and len(self._undecided) < _LONGEST_MARK:
            return ""
        beyond = _BEYOND_ASCII.search(self._undecided)
        end = len(self._undecided) if beyond is None else self._undecided.rfind(b"\n", 0, beyond.start()) + 1
        text, self._undecided = self._undecided[:end].decode("ascii"), self._undecided[end:]
        return text

    def _take(self, text: str) -> list[TableRow]:
        known = max(len(self._text) - 1, 0)
        self._text += text
        whole = 0
        for match in _END.finditer(self._text, known):
            self._lines.waiting.append(self._text[whole : match.end()])
            whole = match.end()
        self._text = self._text[whole:]
        if self._text and (self._lines.closed or len(self._text) > _LONGEST_LINE):
            if self._strict and not self._lines.closed:
                line = self._lines.read + len(self._lines.waiting) + 1
                raise TableFault(line, "it has no end; save the file as plain CSV.")
            self._lines.waiting.append(self._text)
            self._text = ""
        return list(self._rows())

    def _rows(self) -> Iterator[TableRow]:
        lines = self._lines
        while lines.waiting:
            if self._reader is None:
                delimiter = max(DELIMITERS, key=lines.waiting[0].count)
                self._reader = csv.reader(lines, delimiter=delimiter, strict=self._strict)
            before = lines.begin_row()
            try:
                cells = next(self._reader)
            except _NotYet:
                lines.put_back()
                return
            except StopIteration:
                return
            except csv.Error:
                if self._strict:
                    raise TableFault(before + 1, "its quotes don't match; check the row.") from None
                yield TableRow(lines.read, [])
                continue
            if self._strict and any(_UNDECODED.search(cell) for cell in cells):
                raise TableFault(lines.read, "it is neither UTF-8 nor GB18030; save the file as CSV UTF-8.")
            if cells:
                yield TableRow(lines.read, cells)


class _NotYet(Exception):
    """The row goes on in a line that has not come in."""


class _Lines:
    """The lines that wait to be read. A row that is not whole is put back, to be read again with what comes next."""

    def __init__(self) -> None:
        self.waiting: deque[str] = deque()
        self.closed = False
        self.read = 0
        self._of_row: list[str] = []

    def begin_row(self) -> int:
        """Answers the number of the line before it."""
        self._of_row.clear()
        return self.read

    def put_back(self) -> None:
        self.waiting.extendleft(reversed(self._of_row))
        self.read -= len(self._of_row)

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        if not self.waiting:
            raise StopIteration if self.closed else _NotYet
        line = self.waiting.popleft()
        self._of_row.append(line)
        self.read += 1
        return line


def _encoding(begin: bytes, *, last: bool) -> str | None:
    """The encoding of what begins so; None while nothing shows it."""
    for mark, name in _MARKS:
        if begin.startswith(mark):
            return name
    beyond = _BEYOND_ASCII.search(begin)
    if beyond is None or (len(begin) < _LONGEST_MARK and not last):
        return None
    # A newline byte is no part of another character in either encoding: up to there no character is cut.
    end = len(begin) if last else begin.rfind(b"\n", beyond.start()) + 1
    if not end and len(begin) - beyond.start() < _LONGEST_LINE:
        return None
    decoder: Any = codecs.getincrementaldecoder("utf-8")()
    try:
        decoder.decode(begin[: end or None], last)
    except UnicodeDecodeError:
        return "gb18030"
    return "utf-8"
