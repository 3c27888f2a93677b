"""A file of rows, whatever wrote it: plain or gzip, UTF-8 (with or without BOM), UTF-16 with BOM, GBK/GB18030."""

import codecs
import csv
import gzip
import io
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeAlias

SAMPLE = 1 << 20  # bytes looked at to tell the encoding; a character cut at the end does not matter
DELIMITERS = ",;\t|"
BOMS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))

_Buffered: TypeAlias = "io.BufferedReader[Any]"


class ReadingError(ValueError):
    """The file cannot be read as a table; the message says what to do."""


@dataclass(frozen=True)
class Row:
    """`number` is the line in the file on which the row ends (the header is line 1), as a spreadsheet counts it."""

    number: int
    cells: list[str]


@dataclass(frozen=True)
class Table:
    """A file's rows by their columns' names."""

    header: list[str]
    rows: Iterator[Row]
    encoding: str
    position: Callable[[], int]  # bytes of the file consumed so far, for a progress bar


@contextmanager
def open_table(path: Path) -> Iterator[Table]:
    """Open `path` and read its header; rows come one at a time, so the size of the file does not matter."""
    try:
        raw = io.BufferedReader(io.FileIO(path), SAMPLE)
    except FileNotFoundError:
        raise ReadingError(f"There is no file {path}. Check the path.") from None
    except OSError as error:
        raise ReadingError(f"{path} cannot be read: {error.strerror}.") from None
    with ExitStack() as stack:
        stack.enter_context(raw)
        stream: _Buffered = raw
        if raw.peek(2)[:2] == b"\x1f\x8b":
            unpacked: Any = stack.enter_context(gzip.GzipFile(fileobj=raw))
            stream = stack.enter_context(io.BufferedReader(unpacked, SAMPLE))
        try:
            yield _table(path, raw, stream, stack)
        except (gzip.BadGzipFile, EOFError, zlib.error):
            raise ReadingError(
                f"{path} is damaged or cut off: the compressed data end too early. Copy the file again."
            ) from None


def detect(sample: bytes) -> str:
    """The encoding of a file that begins with `sample`: a BOM decides, then UTF-8 if valid, else GB18030 (includes GBK)."""
    for mark, name in BOMS:
        if sample.startswith(mark):
            return name
    try:
        codecs.getincrementaldecoder("utf-8")().decode(sample)
    except UnicodeDecodeError:
        return "gb18030"
    return "utf-8"


def _table(path: Path, raw: _Buffered, stream: _Buffered, stack: ExitStack) -> Table:
    sample = stream.peek(SAMPLE)  # looks without consuming
    if not sample.strip():
        raise ReadingError(f"{path} is empty.")
    encoding = detect(sample)
    # surrogateescape keeps broken bytes inside their row, where the rules reject that row alone
    errors = "replace" if encoding == "utf-16" else "surrogateescape"
    text = stack.enter_context(io.TextIOWrapper(stream, encoding=encoding, errors=errors, newline=""))
    first = sample.decode(encoding, "replace").lstrip("\ufeff").splitlines()[0]
    delimiter = max(DELIMITERS, key=first.count)
    reader = csv.reader(text, delimiter=delimiter)
    header = next(reader, [])
    if len(header) < 2:
        raise ReadingError(
            f"{path} has one column only. A table with a header row is wanted, separated by , ; tab or |."
        )
    return Table(header, _rows(reader), encoding, raw.tell)


class _CsvReader(Protocol):
    @property
    def line_num(self) -> int: ...

    def __next__(self) -> list[str]: ...


def _rows(reader: _CsvReader) -> Iterator[Row]:
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error:  # a quote that is never closed swallows the rest; the row is rejected for its number of cells
            yield Row(reader.line_num, [])
            continue
        if cells:
            yield Row(reader.line_num, cells)
