"""The tables of sessions, and of guesses at passwords. Only a digest of a session's token is stored."""

from datetime import datetime
from typing import Literal

from sqlalchemy import CheckConstraint, Column, Index, String
from sqlmodel import Field

from gateway.base import Base
from shared.db import UtcDateTime

Stage = Literal["full", "second_factor"]


class OperatorSession(Base, table=True):
    """An operator at a browser. `stage`: whether the second factor still is to be shown. Good while `epoch` is its account's."""

    __tablename__ = "operator_sessions"
    __table_args__ = (
        CheckConstraint("stage IN ('full', 'second_factor')", name="stage"),
        Index(None, "account_id"),
        Index(None, "expires_at"),
    )

    id: str = Field(primary_key=True, max_length=40)
    account_id: str = Field(max_length=40)
    digest: str = Field(sa_column=Column(String(64), nullable=False, unique=True))
    stage: Stage = Field(sa_column=Column(String(20), nullable=False))
    epoch: int
    address: str = Field(max_length=60)
    browser: str = Field(max_length=200)
    created_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    last_used_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    expires_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    ended_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))


class Guesses(Base, table=True):
    """How often in a row somebody was wrong: at an account, from a known browser, from an address, at a login that nobody has."""

    __tablename__ = "sign_in_guesses"
    __table_args__ = (Index(None, "last_at"),)

    subject: str = Field(primary_key=True, max_length=80)
    wrong: int
    last_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
