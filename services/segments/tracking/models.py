"""The table of dead letters."""

from datetime import datetime

from sqlalchemy import Text
from sqlmodel import Field

from services.segments.base import Base
from shared.db import UtcDateTime


class RejectedEvent(Base, table=True):
    """Dead letter 死信: an item that could not be accepted, with its reason. `item` is its JSON, cut at 32 KB."""

    __tablename__ = "rejected_event"

    id: str = Field(primary_key=True, max_length=40)
    owner_id: str = Field(max_length=40)
    received_at: datetime = Field(sa_type=UtcDateTime)
    code: str = Field(max_length=40, index=True)
    detail: str = Field(max_length=500)
    message_id: str | None = Field(default=None, max_length=100, index=True)
    request_id: str | None = Field(default=None, max_length=100)
    key_id: str = Field(max_length=80)
    item: str = Field(sa_type=Text)
