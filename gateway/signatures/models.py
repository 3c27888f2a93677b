"""The nonces of signed calls. The unique key lets each have one effect, whichever replica it comes to."""

from datetime import datetime

from sqlalchemy import Column, Index
from sqlmodel import Field

from gateway.base import Base
from shared.db import UtcDateTime


class RequestNonce(Base, table=True):
    """A nonce that was used. By lineage, not by key: a rotated key and its successor share their signing secrets."""

    __tablename__ = "request_nonces"
    __table_args__ = (Index(None, "used_at"),)

    lineage_id: str = Field(primary_key=True, max_length=40)
    nonce: str = Field(primary_key=True, max_length=64)
    used_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
