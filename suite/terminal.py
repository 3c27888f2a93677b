"""Where the command line prints: what was asked for, and what went wrong."""

from rich.console import Console

console = Console(highlight=False)
errors = Console(stderr=True, highlight=False)
