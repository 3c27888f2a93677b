"""What all commands share: options, settings with precedence flags > environment > .env, and running a coroutine."""

import asyncio
from collections.abc import Coroutine
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer

from shared.observability.logging import configure_logging
from shared.settings import ServiceSettings
from suite.settings import CallerSettings, load

DataDir = Annotated[Path | None, typer.Option("--data-dir", help="Folder of databases and keys.  [default: ./data]")]
Url = Annotated[str | None, typer.Option("--url", help="Where the suite runs.  [default: http://127.0.0.1:8000]")]
Key = Annotated[
    str | None,
    typer.Option(
        "--key",
        help="API key; others on this machine see it here, but not in the variable.  "
        "[default: QUANYU_ADMIN_KEY, or <data-dir>/admin.key]",
    ),
]

Result = TypeVar("Result")


def flags(**given: Any) -> dict[str, Any]:
    """The flags that were really given; the others leave the word to the environment."""
    return {name: value for name, value in given.items() if value is not None}


def caller(url: str | None, data_dir: Path | None) -> CallerSettings:
    """Where a command finds the running suite."""
    return load(CallerSettings, flags(url=url, data_dir=data_dir))


def run(work: Coroutine[Any, Any, Result], settings: ServiceSettings | None = None) -> Result:
    """Run a command's coroutine on uvloop, where there is one."""
    if settings is not None:
        configure_logging(settings.log_format, settings.log_level)
    try:
        import uvloop
    except ImportError:  # Windows
        return asyncio.run(work)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(work)
