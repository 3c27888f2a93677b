"""One structlog pipeline for our lines and the libraries': console for people, JSON for machines.

Keys of a line are chosen by us; customers' phone numbers and e-mail addresses and all secrets are masked on the way out, control
characters spelled out.
"""

import logging
import sys
import time
from typing import Any, Literal

import structlog
from structlog.typing import EventDict, FilteringBoundLogger, WrappedLogger

from shared.observability.errors import format_exception, summary
from shared.observability.masks import mask, visible

_TOLD_BY_US = (
    ("aiormq", "error when creating transport"),
    ("aiormq", "Cancelling cause reader"),
    ("aiormq", "Unexpected connection close"),
)
"""Lines about connections to RabbitMQ: `Outage` tells of them once, not at each try."""
_LIBRARIES = ("aio_pika", "aiormq", "asyncio", "sqlalchemy")
_FOLD_SECONDS = 60.0


class Folded(logging.Filter):
    """Lines of libraries: without tracebacks, the same one once a minute, with how often it came meanwhile.

    What a lost connection leaves behind in tasks that nobody waits for is told by whoever lost it.
    """

    def __init__(self) -> None:
        super().__init__()
        self._since: dict[tuple[str, str], tuple[float, int]] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """False for a line that is not written."""
        library = record.name.partition(".")[0]
        if library not in _LIBRARIES:
            return True
        error = record.exc_info[1] if record.exc_info else None
        template = str(record.msg).partition("\n")[0]
        if any(library == name and template.startswith(start) for name, start in _TOLD_BY_US):
            return False
        if isinstance(error, OSError | TimeoutError) and library != "aiormq":
            return False
        at, count = self._since.get((record.name, template), (-_FOLD_SECONDS, 0))
        if time.monotonic() - at < _FOLD_SECONDS:
            self._since[record.name, template] = at, count + 1
            return False
        self._since[record.name, template] = time.monotonic(), 0
        said = record.getMessage().partition("\n")[0]
        again = f" ({count} times more in the minute before)" if count else ""
        record.msg, record.args = f"{said}{f': {summary(error)}' if error else ''}{again}", ()
        record.exc_info = record.exc_text = record.stack_info = None
        return True


def _mask_values(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    for key, value in event.items():
        event[key] = _masked(value)
    return event


def _masked(value: Any) -> Any:
    match value:
        case str():
            return visible(mask(value))
        case dict():
            return {_masked(key): _masked(one) for key, one in value.items()}
        case list() | tuple() | set():
            return [_masked(one) for one in value]
        case BaseException():
            return summary(value)
    return value


def configure_logging(output: Literal["console", "json"] = "console", level: str = "info") -> None:
    """Set up the process's logging. Call it once, from the program's entry, never on import."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.ExceptionRenderer(format_exception),
        _mask_values,
    ]
    renderer: Any = (
        structlog.processors.JSONRenderer(ensure_ascii=False)
        if output == "json"
        else structlog.dev.ConsoleRenderer(
            colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
        )
    )
    number = logging.getLevelNamesMapping()[level.upper()]
    structlog.configure(
        processors=[*shared, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(processor=renderer, foreign_pre_chain=shared))
    handler.addFilter(Folded())
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(max(number, logging.WARNING))


def get_logger(**bound: Any) -> FilteringBoundLogger:
    """A logger with `bound` in each of its lines."""
    logger: FilteringBoundLogger = structlog.get_logger(**bound)
    return logger
