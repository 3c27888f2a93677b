"""The table of customers' traits."""

from datetime import datetime
from typing import Any

from sqlalchemy import Column
from sqlmodel import Field

from services.journey.base import Base
from shared.db import JsonType, UtcDateTime


class CustomerTraits(Base, table=True):
    """What tracked events told of a customer: enough for templates, dates and time zones.

    `vouched`: names of the traits that the merchant said, which shoppers' words don't change.
    """

    __tablename__ = "customer_traits"

    customer_id: str = Field(primary_key=True, max_length=255)
    traits: dict[str, Any] = Field(sa_column=Column(JsonType, nullable=False))
    vouched: list[str] = Field(sa_column=Column(JsonType, nullable=False))
    updated_at: datetime = Field(sa_type=UtcDateTime)
