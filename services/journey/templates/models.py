"""The table of message templates."""

from datetime import datetime

from sqlalchemy import CheckConstraint
from sqlmodel import Field

from services.journey.base import Base
from shared.db import UtcDateTime


class MessageTemplate(Base, table=True):
    """The text of a message in Liquid. Never changed once written, so a preview is what will be sent."""

    __tablename__ = "message_template"
    __table_args__ = (CheckConstraint("channel IN ('inbox', 'webhook')", name="channel"),)

    id: str = Field(primary_key=True, max_length=40)
    owner_id: str = Field(max_length=40)
    name: str = Field(max_length=200)
    channel: str = Field(max_length=20)
    subject: str | None = None
    body: str
    locale: str = Field(max_length=35)
    url: str | None = Field(default=None, max_length=2000)  # webhook
    secret: str | None = Field(default=None, max_length=100)  # webhook: signs the deliveries
    created_at: datetime = Field(sa_type=UtcDateTime)
