"""The gateway's tables have a registry of their own."""

from sqlmodel import SQLModel

from shared.db import part_registry


class Base(SQLModel, registry=part_registry()):
    """Base of every table of the gateway."""
