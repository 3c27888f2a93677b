"""What an import did: counts by reason for the screen, and every rejected row in a CSV file that Excel opens."""

import csv
import io
import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from shared.language import say
from shared.table_files import TableRow
from suite.errors import Stop
from suite.importing.columns import plain_cell
from suite.importing.reasons import Reason, explanation

SHOWN = 10


@dataclass(frozen=True)
class Rejected:
    """One row on the screen."""

    row: int
    order: str
    reason: Reason
    explanation: str


class Rejects:
    """Counts the rejected rows and writes them, with reason and explanation, to `path` (UTF-8 with BOM).

    The file appears under its name when the import ends; a run that fails leaves none (one that is killed, `<name>.part`).
    The first are kept for the screen, with the order number that stands in a cell of `order`. Raises Stop when there is no
    writing there.
    """

    def __init__(self, path: Path, header: list[str], order: Sequence[int]) -> None:
        self.path = path
        self.counts: Counter[Reason] = Counter()
        self.first: list[Rejected] = []
        self._header = header
        self._order = order
        self._part = path.with_name(path.name + ".part")

    def __enter__(self) -> "Rejects":
        try:
            self._file: io.TextIOWrapper = self._part.open("w", encoding="utf-8-sig", newline="", errors="replace")
        except OSError as error:
            why = error.strerror or str(error)
            raise Stop(
                say(
                    f"Rejected rows can't be written to {self.path}: {why}. Name another file with --rejects.",
                    f"无法把被拒的行写入 {self.path}：{why}。请用 --rejects 指定别的文件。",
                )
            ) from None
        self._writer = csv.writer(self._file)
        self._writer.writerow(["row", "reason", "explanation", *self._header])
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()
        if kind is None and self.counts:
            os.replace(self._part, self.path)
        else:
            self._part.unlink()

    def add(self, row: TableRow, reason: Reason, detail: str = "", *, where: str = "") -> None:
        """`detail` where the reason alone does not say enough; `where` is the cell that is wrong."""
        self.counts[reason] += 1
        sentence = detail or explanation(reason)
        sentence += f" [{where}]" if where else ""
        self._writer.writerow([row.number, reason.value, sentence, *map(harmless, row.cells)])
        if len(self.first) < SHOWN:
            numbers = (plain_cell(row.cells[index]) for index in self._order if index < len(row.cells))
            self.first.append(Rejected(row.number, next(filter(None, numbers), ""), reason, sentence))


def harmless(cell: str) -> str:
    """The cell, but a spreadsheet must not take it for a formula: `=…` and the like get a leading quote; numbers stay."""
    if cell[:1] in ("=", "@", "\t", "\r") or (cell[:1] in ("+", "-") and not _number(cell)):
        return f"'{cell}"
    return cell


def _number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True
