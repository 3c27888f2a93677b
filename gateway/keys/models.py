"""The table of API keys. Only a digest of the key itself is stored."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, Column, Index, String
from sqlmodel import Field

from gateway.base import Base
from gateway.keys.rules import Kind
from shared.db import JsonType, UtcDateTime


class ApiKey(Base, table=True):
    """One key. `limits` is as `schemas.Limits` gives it, or empty for the default of its kind.

    `shop_id` makes it a staff key 店员密钥, good for that shop. `lineage_id` is the id of the first of the keys that were
    rotated one into the other; `maker_id` the key with which that first one was made.
    `signing_secrets` are those of gateway/rotation.py, each sealed for its lineage and in base64; with `require_signature` the
    key alone opens nothing.
    """

    __tablename__ = "api_keys"
    __table_args__ = (
        CheckConstraint("kind IN ('secret', 'restricted', 'publishable', 'partner')", name="kind"),
        Index(None, "changed_at"),
        Index(None, "owner_id", "created_at"),
    )

    id: str = Field(primary_key=True, max_length=40)
    owner_id: str = Field(max_length=40)
    lineage_id: str = Field(max_length=40, index=True)
    maker_id: str | None = Field(default=None, max_length=40, index=True)
    kind: Kind = Field(sa_column=Column(String(20), nullable=False))
    name: str = Field(max_length=200)
    digest: str = Field(sa_column=Column(String(64), nullable=False, unique=True))
    hint: str = Field(max_length=20, description="first 12 and last 4 characters")
    scopes: list[str] = Field(sa_column=Column(JsonType, nullable=False))
    limits: dict[str, Any] | None = Field(default=None, sa_column=Column(JsonType))
    allowed_ips: list[str] = Field(sa_column=Column(JsonType, nullable=False))
    shop_id: str | None = Field(default=None, max_length=200)
    signing_secrets: list[dict[str, Any]] = Field(sa_column=Column(JsonType, nullable=False))
    require_signature: bool = Field(default=False)
    created_by: str | None = Field(default=None, max_length=40)
    created_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    changed_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    expires_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))
    rotated_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))
    successor_id: str | None = Field(default=None, max_length=40)
    revoked_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))
    last_used_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))
