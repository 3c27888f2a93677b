"""What an import did: counts by reason for the screen, and every rejected row in a CSV file that Excel opens."""

import csv
import io
import os
from collections import Counter
from pathlib import Path
from types import TracebackType

from shared.table_files import TableRow
from suite.importing.rules import EXPLANATIONS, Reason


class Rejects:
    """Counts the rejected rows and writes them, with reason and explanation, to `path` (UTF-8 with BOM).

    The file appears under its name when the import ends; a run that fails leaves none (one that is killed, `<name>.part`).
    """

    def __init__(self, path: Path, header: list[str]) -> None:
        self.path = path
        self.counts: Counter[Reason] = Counter()
        self._header = header
        self._part = path.with_name(path.name + ".part")

    def __enter__(self) -> "Rejects":
        self._file: io.TextIOWrapper = self._part.open("w", encoding="utf-8-sig", newline="", errors="replace")
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

    def add(self, row: TableRow, reason: Reason, explanation: str = "") -> None:
        """`explanation` where the reason alone does not say enough."""
        self.counts[reason] += 1
        self._writer.writerow(
            [row.number, reason.value, explanation or EXPLANATIONS[reason], *map(harmless, row.cells)]
        )


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
