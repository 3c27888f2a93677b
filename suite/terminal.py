"""Where the command line prints: what was asked for, and what went wrong.

What others have written (names, reasons, file names) goes through `plain`: it may hold markup, and control characters that
move a terminal's cursor, set its title or hide the line before.
"""

from collections.abc import Collection, Sequence

from rich.cells import cell_len
from rich.console import Console
from rich.markup import escape
from rich.table import Column, Table

from shared.observability.masks import visible

console = Console(highlight=False, emoji=False)
errors = Console(stderr=True, highlight=False, emoji=False)

_FOLDED = 10
_GAP = 2


def plain(text: object) -> str:
    """The text on one line, as it may stand in markup: nothing in it does anything but show."""
    return escape(visible(str(text), keep=""))


def show_table(
    to: Console, heads: Sequence[str], rows: Sequence[Sequence[object]], *, whole: Collection[str] = ()
) -> None:
    """A table of plain texts. On a terminal the columns `whole` stay in one piece, to be copied, and the others fold.

    In a file or a pipe, and on a terminal that is too narrow, a row is a line: nothing is cut, and programs can read it.
    """
    lines = [heads, *([visible(str(cell), keep="") for cell in row] for row in rows)]
    widths = [max(map(cell_len, column)) for column in zip(*lines, strict=True)]
    least = sum(width if head in whole else min(width, _FOLDED) for head, width in zip(heads, widths, strict=True))
    if to.is_terminal and least + _GAP * len(heads) <= to.width:
        table = Table(*(Column(head, no_wrap=head in whole, overflow="fold") for head in heads), box=None)
        for row in lines[1:]:
            table.add_row(*map(escape, row))
        to.print(table)
        return
    for line in lines:
        cells = (cell + " " * (width - cell_len(cell)) for cell, width in zip(line, widths, strict=True))
        to.print((" " * _GAP).join(cells).rstrip(), markup=False, soft_wrap=True)
