"""The table of what was called."""

from sqlalchemy import BigInteger, Column, Index
from sqlmodel import Field

from gateway.base import Base


def _count() -> "Column[int]":
    return Column(BigInteger, nullable=False)


class UsageCount(Base, table=True):
    """How often a key called an operation on one day of the merchant's calendar, by what came of it.

    `key_id` is the first of the keys that were rotated one into the other, or an operator's account.
    """

    __tablename__ = "usage_counts"
    __table_args__ = (Index(None, "owner_id", "day"),)

    day: str = Field(primary_key=True, max_length=10)
    key_id: str = Field(primary_key=True, max_length=40)
    route: str = Field(primary_key=True, max_length=160)
    owner_id: str = Field(max_length=40)
    succeeded: int = Field(sa_column=_count())
    refused: int = Field(sa_column=_count())
    limited: int = Field(sa_column=_count())
    failed: int = Field(sa_column=_count())
    unanswered: int = Field(sa_column=_count())
