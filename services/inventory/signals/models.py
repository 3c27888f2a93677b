"""The table of what was said last about each SKU."""

from datetime import datetime
from typing import get_args

from sqlalchemy import CheckConstraint, String
from sqlmodel import Field

from services.inventory.base import Base
from services.inventory.signals.rules import Word
from shared.db import UtcDateTime


class SkuSignal(Base, table=True):
    """The state of one SKU as the world knows it: what is told next depends on it."""

    __tablename__ = "sku_signal"
    __table_args__ = (CheckConstraint(f"word IN {get_args(Word)}", name="word"),)

    sku: str = Field(primary_key=True, sa_type=String(200))
    word: str = Field(sa_type=String(16))
    updated_at: datetime = Field(sa_type=UtcDateTime)
