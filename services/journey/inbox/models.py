"""The table of the in-app inbox (站内信)."""

from datetime import datetime

from sqlalchemy import Index
from sqlmodel import Field

from services.journey.base import Base
from shared.db import UtcDateTime


class InboxMessage(Base, table=True):
    """One message in a customer's inbox; its id is that of the message in the ledger of effects."""

    __tablename__ = "inbox_message"
    __table_args__ = (Index("ix_inbox_message_customer", "customer_id", "id"),)

    id: str = Field(primary_key=True, max_length=40)
    customer_id: str = Field(max_length=255)
    journey_id: str = Field(max_length=40)
    run_id: str = Field(max_length=40)
    subject: str | None = None
    body: str
    created_at: datetime = Field(sa_type=UtcDateTime)
    read_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
