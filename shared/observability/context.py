"""Why the present work happens: carried from an HTTP request through messages into everything they cause."""

from contextvars import ContextVar
from typing import NamedTuple


class Cause(NamedTuple):
    """`correlation_id` is the request that began it all, `causation_id` the message just being handled."""

    correlation_id: str | None = None
    causation_id: str | None = None
    traceparent: str | None = None


current_cause: ContextVar[Cause] = ContextVar("current_cause", default=Cause())  # noqa: B039 - a tuple
