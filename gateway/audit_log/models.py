"""The audit log. Rows are added and never changed, but for their place in the chain, which they get once."""

from datetime import datetime
from typing import Any, Literal

from sqlalchemy import BigInteger, CheckConstraint, Column, Index, String, text
from sqlmodel import Field

from gateway.base import Base
from shared.db import JsonType, UtcDateTime

Kind = Literal["call", "fact"]


class AuditEntry(Base, table=True):
    """A `call` is what somebody asked of a part, seen at the door, open until it was answered; a `fact` is what a room of the
    gateway did, written in the same transaction. `actor` is empty for what the gateway did by itself.

    `seq` is its place in the chain, `hash` covers it and the entry before.
    """

    __tablename__ = "audit_log"
    __table_args__ = (
        CheckConstraint("kind IN ('call', 'fact')", name="kind"),
        CheckConstraint("(seq IS NULL) = (hash IS NULL)", name="chained"),
        Index(None, "object_id"),
        Index(None, "owner_id"),
        Index(None, "actor"),
        Index(None, "request_id"),
        Index("ix_audit_log_unchained", "id", postgresql_where=text("seq IS NULL"), sqlite_where=text("seq IS NULL")),
    )

    id: str = Field(primary_key=True, max_length=40)
    at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    kind: Kind = Field(sa_column=Column(String(10), nullable=False))
    open: bool
    actor: str | None = Field(default=None, max_length=60)
    owner_id: str | None = Field(default=None, max_length=40)
    action: str = Field(max_length=120)
    object_id: str = Field(max_length=200)
    status: int | None = None
    address: str | None = Field(default=None, max_length=60)
    request_id: str | None = Field(default=None, max_length=100)
    detail: dict[str, Any] = Field(sa_column=Column(JsonType, nullable=False))
    before: dict[str, Any] | None = Field(default=None, sa_column=Column(JsonType))
    after: dict[str, Any] | None = Field(default=None, sa_column=Column(JsonType))
    seq: int | None = Field(default=None, sa_column=Column(BigInteger, unique=True))
    previous: str | None = Field(default=None, max_length=64)
    hash: str | None = Field(default=None, max_length=64)


class AuditChain(Base, table=True):
    """Where the chain ends, and where it begins since what was older was forgotten: one row."""

    __tablename__ = "audit_chain"
    __table_args__ = (CheckConstraint("id = 1", name="one"),)

    id: int = Field(default=1, primary_key=True)
    seq: int = Field(sa_column=Column(BigInteger, nullable=False))
    hash: str = Field(max_length=64)
    base_seq: int = Field(sa_column=Column(BigInteger, nullable=False))
    base_hash: str = Field(max_length=64)
