"""Where the command line prints: what was asked for, and what went wrong.

What others have written (names, reasons, file names) goes through `plain`: it may hold markup, and control characters that
move a terminal's cursor, set its title or hide the line before.
"""

from rich.console import Console
from rich.markup import escape

from shared.observability.logging import visible

console = Console(highlight=False, emoji=False)
errors = Console(stderr=True, highlight=False, emoji=False)


def plain(text: object) -> str:
    """The text on one line, as it may stand in markup: nothing in it does anything but show."""
    return escape(visible(str(text), keep=""))
