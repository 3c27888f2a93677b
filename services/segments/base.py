"""The registry of the segments service's tables."""

from shared.db import TableModel, part_registry


class Base(TableModel, registry=part_registry()):
    """Base of every table of this service; its metadata also holds outbox, inbox and idempotency records."""
