"""A file of rows, plain or gzip."""

import gzip
import io
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from shared.language import say
from shared.table_files import TableReader, TableRow

PIECE = 1 << 20

_Buffered: TypeAlias = "io.BufferedReader[Any]"


class ReadingError(ValueError):
    """The file cannot be read as a table; the message says what to do."""


@dataclass(frozen=True)
class Table:
    """A file's rows by their columns' names."""

    header: list[str]
    rows: Iterator[TableRow]
    reader: TableReader
    position: Callable[[], int]  # bytes of the file consumed so far, for a progress bar

    @property
    def encoding(self) -> str:
        """What the file has shown so far."""
        return self.reader.encoding


@contextmanager
def open_table(path: Path) -> Iterator[Table]:
    """Open `path` and read its header; rows come one at a time, so the size of the file does not matter."""
    try:
        raw = io.BufferedReader(io.FileIO(path), PIECE)
    except FileNotFoundError:
        raise ReadingError(say(f"There is no file {path}. Check the path.", f"没有文件 {path}，请检查路径。")) from None
    except OSError as error:
        raise ReadingError(
            say(f"{path} cannot be read: {error.strerror}.", f"无法读取 {path}：{error.strerror}。")
        ) from None
    with ExitStack() as stack:
        stack.enter_context(raw)
        stream: _Buffered = raw
        if raw.peek(2)[:2] == b"\x1f\x8b":
            unpacked: Any = stack.enter_context(gzip.GzipFile(fileobj=raw))
            stream = stack.enter_context(io.BufferedReader(unpacked, PIECE))
        try:
            yield _table(path, raw, stream)
        except (gzip.BadGzipFile, EOFError, zlib.error):
            raise ReadingError(
                say(
                    f"{path} is damaged or cut off: the compressed data end too early. Copy the file again.",
                    f"{path} 已损坏或不完整：压缩数据提前结束。请重新复制该文件。",
                )
            ) from None


def _table(path: Path, raw: _Buffered, stream: _Buffered) -> Table:
    if not stream.peek(PIECE).strip():
        raise ReadingError(say(f"{path} is empty.", f"{path} 是空文件。"))
    reader = TableReader(strict=False)
    rows = _rows(stream, reader)
    header = next(rows, None)
    if header is None or len(header.cells) < 2:
        raise ReadingError(
            say(
                f"{path} has one column only. A table with a header row is wanted, separated by , ; tab or |.",
                f"{path} 只有一列。需要带表头的表格，以 , ; 制表符或 | 分隔。",
            )
        )
    return Table(header.cells, rows, reader, raw.tell)


def _rows(stream: _Buffered, reader: TableReader) -> Iterator[TableRow]:
    while piece := stream.read(PIECE):
        yield from reader.feed(piece)
    yield from reader.close()
