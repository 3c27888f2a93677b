"""The registry of the segments service's tables."""

from sqlmodel import SQLModel

from shared.db import part_registry


class Base(SQLModel, registry=part_registry()):
    """Base of every table of this service; its metadata also holds outbox, inbox and idempotency records."""
