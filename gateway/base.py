"""The gateway's tables have a registry of their own."""

from shared.db import TableModel, part_registry


class Base(TableModel, registry=part_registry()):
    """Base of every table of the gateway."""
