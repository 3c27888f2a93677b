"""The journey service's table base."""

from shared.db import TableModel, part_registry


class Base(TableModel, registry=part_registry()):
    """Every table of this service registers here, and nowhere else."""
