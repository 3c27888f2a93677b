"""The table of the gateways that run."""

from datetime import datetime

from sqlalchemy import Column
from sqlmodel import Field

from gateway.base import Base
from shared.db import UtcDateTime


class Replica(Base, table=True):
    """One gateway process. Its row lives while it says so every few seconds."""

    __tablename__ = "replicas"

    id: str = Field(primary_key=True, max_length=40)
    seen_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
