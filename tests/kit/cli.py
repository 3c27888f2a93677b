"""The command line, called in this process."""

from collections.abc import Callable

Call = Callable[..., tuple[int, str, str]]
"""Arguments; answers the exit code, what was printed, and what was printed as an error."""
