"""The table of what happened."""

from typing import Any

from sqlalchemy import BigInteger, Index, Text
from sqlmodel import Field

from services.segments.base import Base
from shared.db import AutoId, JsonType


class StoredEvent(Base, table=True):
    """One accepted call; append-only, but for what gives way. `ts` (corrected) and `received_at` in µs since 1970.

    `name` is what rules refer to (the event of a track call; `Page Viewed`, `Screen Viewed`; none for the others).
    `order_id` is set for `Order Completed` only, and unique: the same order under a new message id counts once.
    `vouched`: told with a key of the merchant's; what a shopper's app or page told under the same ids gives way to it.
    `properties`, `traits` and `context` are JSON text; `facts` are the comparable forms of the scalar properties.
    """

    __tablename__ = "event"
    __table_args__ = (Index(None, "uid", "ts"), Index(None, "name", "ts", "uid"))

    id: int = Field(default=None, primary_key=True, sa_type=AutoId)
    message_id: str = Field(max_length=100, unique=True)
    uid: int = Field(sa_type=BigInteger)
    type: str = Field(max_length=10)
    name: str | None = Field(default=None, max_length=200)
    user_id: str | None = Field(default=None, max_length=200)
    anonymous_id: str | None = Field(default=None, max_length=200)
    order_id: str | None = Field(default=None, max_length=200, unique=True)
    ts: int = Field(sa_type=BigInteger)
    received_at: int = Field(sa_type=BigInteger)
    history: bool = False
    vouched: bool
    properties: str = Field(sa_type=Text)
    traits: str | None = Field(default=None, sa_type=Text)
    context: str | None = Field(default=None, sa_type=Text)
    facts: dict[str, Any] | None = Field(default=None, sa_type=JsonType)
