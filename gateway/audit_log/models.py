"""The audit log. Rows are added and never changed."""

from datetime import datetime
from typing import Any

from sqlalchemy import Column, Index
from sqlmodel import Field

from gateway.base import Base
from shared.db import JsonType, UtcDateTime


class AuditEntry(Base, table=True):
    """One administrative call that took effect. `actor_key_id` is empty for what the gateway did by itself."""

    __tablename__ = "audit_log"
    __table_args__ = (Index(None, "object_id"), Index(None, "owner_id"))

    id: str = Field(primary_key=True, max_length=40)
    at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    actor_key_id: str | None = Field(default=None, max_length=40)
    owner_id: str | None = Field(default=None, max_length=40)
    action: str = Field(max_length=60)
    object_id: str = Field(max_length=60)
    request_id: str | None = Field(default=None, max_length=100)
    detail: dict[str, Any] = Field(sa_column=Column(JsonType, nullable=False))
