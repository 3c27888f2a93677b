"""The tables of the gateways that run, and of what was counted in periods."""

from datetime import datetime

from sqlalchemy import BigInteger, Column
from sqlmodel import Field

from gateway.base import Base
from shared.db import UtcDateTime


class Replica(Base, table=True):
    """One gateway process. Its row lives while it says so every few seconds."""

    __tablename__ = "replicas"

    id: str = Field(primary_key=True, max_length=40)
    seen_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))


class PeriodCount(Base, table=True):
    """How many calls a bucket had in one day or month: `bucket` ends with its date. Kept until the period is over."""

    __tablename__ = "limit_counts"

    bucket: str = Field(primary_key=True, max_length=250)
    calls: int = Field(sa_column=Column(BigInteger, nullable=False))
    ends_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False, index=True))
