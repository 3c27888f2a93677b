"""One structlog pipeline for our lines and the libraries': console for people, JSON for machines.

Keys of a line are chosen by us; customers' phone numbers and e-mail addresses and all secrets are masked on the way out, control
characters spelled out.
"""

import logging
import re
import sys
import unicodedata
from typing import Any, Literal

import structlog
from structlog.typing import EventDict, FilteringBoundLogger, WrappedLogger

_EMAIL = re.compile(r"([A-Za-z0-9])[A-Za-z0-9._%+-]*@([A-Za-z0-9.-]+\.[A-Za-z]{2,})")
_PHONE = re.compile(r"(?<![\w-])(\+?\d{1,3}[- ]?)?(1[3-9]\d)\d{4}(\d{4})(?![\w-])")
_SECRET = re.compile(r"\b(qy_(?:live|test)_[a-z]{2}_|whsec_)[A-Za-z0-9+/=]+")
_URL_PASSWORD = re.compile(r"(\w+://[^:/@\s]+:)[^@/\s]+@")


def mask(text: str) -> str:
    """`text` without phone numbers, e-mail addresses, keys and passwords in URLs."""
    text = _SECRET.sub(r"\1…", text)
    text = _URL_PASSWORD.sub(r"\1…@", text)
    text = _EMAIL.sub(r"\1…@\2", text)
    return _PHONE.sub(r"\1\2****\3", text)


def visible(text: str, keep: str = "\n\t") -> str:
    """`text` with whatever does not show, but for `keep`, spelled out: an escape sequence could rewrite a terminal's lines."""
    if text.isprintable():
        return text
    return "".join(one if _shows(one) or one in keep else _spelled(one) for one in text)


def _shows(character: str) -> bool:
    return character.isprintable() or unicodedata.category(character) == "Zs"  # a Chinese space, too


def _spelled(character: str) -> str:
    return character.encode("unicode_escape", "surrogatepass").decode("ascii")


def _mask_values(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    for key, value in event.items():
        if isinstance(value, str):
            event[key] = visible(mask(value))
    return event


def configure_logging(output: Literal["console", "json"] = "console", level: str = "info") -> None:
    """Set up the process's logging. Call it once, from the program's entry, never on import."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
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
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(max(number, logging.WARNING))


def get_logger(**bound: Any) -> FilteringBoundLogger:
    """A logger with `bound` in each of its lines."""
    logger: FilteringBoundLogger = structlog.get_logger(**bound)
    return logger
