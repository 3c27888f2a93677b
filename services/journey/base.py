"""The journey service's table base."""

from sqlmodel import SQLModel

from shared.db import part_registry


class Base(SQLModel, registry=part_registry()):
    """Every table of this service registers here, and nowhere else."""
