"""The tables of operators' accounts. No password, code or link can be read from them; second factors are sealed."""

from datetime import datetime

from sqlalchemy import CheckConstraint, Column, Index, LargeBinary, String, text
from sqlmodel import Field

from gateway.accounts.roles import RoleName
from gateway.base import Base
from shared.db import UtcDateTime


class Account(Base, table=True):
    """An operator. Invited until they have a password. `epoch` grows with whatever ends all their sessions.

    `factor` is the secret of the second factor in force, `factor_wanted` that of one being set up, both sealed; `factor_step` is
    the last step of 30 seconds whose code was used.
    """

    __tablename__ = "accounts"
    __table_args__ = (
        CheckConstraint("role IN ('viewer', 'marketer', 'stock_keeper', 'developer', 'administrator')", name="role"),
        CheckConstraint("(factor IS NULL) = (factor_since IS NULL)", name="factor"),
    )

    id: str = Field(primary_key=True, max_length=40)
    login: str = Field(sa_column=Column(String(120), nullable=False, unique=True))
    name: str = Field(max_length=200)
    role: RoleName = Field(sa_column=Column(String(20), nullable=False))
    epoch: int = 0
    password: str | None = Field(default=None, max_length=300)
    password_since: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))
    factor: bytes | None = Field(default=None, sa_column=Column(LargeBinary))
    factor_since: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))
    factor_wanted: bytes | None = Field(default=None, sa_column=Column(LargeBinary))
    factor_step: int | None = None
    created_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    created_by: str | None = Field(default=None, max_length=40)
    disabled_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))
    last_sign_in_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))


class RecoveryCode(Base, table=True):
    """A code that stands in for a lost second factor, once."""

    __tablename__ = "account_recovery_codes"

    account_id: str = Field(primary_key=True, max_length=40)
    digest: str = Field(primary_key=True, max_length=64)
    used_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))


class AccountLink(Base, table=True):
    """A one-time link to choose a password with. Without an account it makes the first administrator."""

    __tablename__ = "account_links"
    __table_args__ = (
        Index(
            "uq_account_links_open",
            "account_id",
            unique=True,
            postgresql_where=text("used_at IS NULL"),
            sqlite_where=text("used_at IS NULL"),
        ),
        Index(None, "expires_at"),
    )

    id: str = Field(primary_key=True, max_length=40)
    account_id: str | None = Field(default=None, max_length=40)
    digest: str = Field(sa_column=Column(String(64), nullable=False, unique=True))
    created_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    created_by: str | None = Field(default=None, max_length=40)
    expires_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    used_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))


class AccountPolicy(Base, table=True):
    """What holds for all accounts: one row, which comes with the first administrator."""

    __tablename__ = "account_policy"
    __table_args__ = (CheckConstraint("id = 1", name="one"),)

    id: int = Field(default=1, primary_key=True)
    require_second_factor: bool = False
    changed_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
