"""The table of locations."""

from datetime import datetime
from typing import Literal, get_args

from sqlalchemy import CheckConstraint, String
from sqlmodel import Field

from services.inventory.base import Base
from shared.db import UtcDateTime

Kind = Literal["warehouse", "store", "supplier", "marketplace"]


class Location(Base, table=True):
    """A place that holds stock. Never deleted, because its movements name it; ``active`` false takes it out of use."""

    __tablename__ = "location"
    __table_args__ = (
        CheckConstraint(f"kind IN {get_args(Kind)}", name="kind"),
        CheckConstraint("lat BETWEEN -90 AND 90 AND lon BETWEEN -180 AND 180", name="geo"),
        CheckConstraint("(lat IS NULL) = (lon IS NULL)", name="geo_whole"),
    )

    id: str = Field(primary_key=True, sa_type=String(64))
    name: str = Field(sa_type=String(200))
    kind: Kind = Field(sa_type=String(16))
    lat: float | None = None
    lon: float | None = None
    address: str | None = Field(None, sa_type=String(300))
    can_ship: bool
    can_pickup: bool
    active: bool = True
    version: int = 1
    created_at: datetime = Field(sa_type=UtcDateTime)
    updated_at: datetime = Field(sa_type=UtcDateTime)
