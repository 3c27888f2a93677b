"""Tables: ids in one piece on a terminal, a line for each row in a pipe; nothing is cut off."""

import io

import pytest
from rich.console import Console

from suite.terminal import show_table

QUEUE, ID, ERROR = "journey.events", "evt_01JD0000000000000000000000", "订单 [7] failed at \x1b[2J " + "once more " * 12


def shown(columns: int, *, terminal: bool) -> list[str]:
    found = io.StringIO()
    console = Console(file=found, width=columns, force_terminal=terminal, color_system=None)
    show_table(console, ("queue", "id", "error"), [(QUEUE, ID, ERROR)], whole=("queue", "id"))
    return [line.rstrip() for line in found.getvalue().splitlines()]


def test_a_row_in_a_pipe_is_a_line() -> None:
    head, row = shown(80, terminal=False)
    assert row.split() == [QUEUE, ID, *ERROR.replace("\x1b", "\\x1b").split()]
    assert (row.index(ID), row.index("订单")) == (head.index("id"), head.index("error"))


@pytest.mark.parametrize("columns", [40, 80])
def test_ids_on_a_terminal_are_in_one_piece(columns: int) -> None:
    lines = shown(columns, terminal=True)
    assert f"{QUEUE}  {ID}" in lines[1]
    assert (len(lines) > 2) == (columns > 60)  # one that is too narrow for columns wraps a line by itself


def test_long_texts_fold_beside_the_ids() -> None:
    head, *rows = shown(80, terminal=True)
    text = "".join(row[head.index("error") :].replace(" ", "") for row in rows)
    assert text == ERROR.replace("\x1b", "\\x1b").replace(" ", "")
