"""Tables of people. Times inside the evaluation are microseconds since 1970 (BIGINT): exact, and alike on both databases."""

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, Index, Text
from sqlmodel import Field

from services.segments.base import Base
from shared.db import AutoId, UtcDateTime


class Profile(Base, table=True):
    """One person. `uid` is the small number by which everything inside refers to it; `id` is what the world sees.

    status: live, or merged (then `merged_into` is the uid that has its events now).
    """

    __tablename__ = "profile"
    __table_args__ = (CheckConstraint("(status = 'merged') = (merged_into IS NOT NULL)", name="merged_into_whom"),)

    uid: int = Field(default=None, primary_key=True, sa_type=AutoId)
    id: str = Field(max_length=40, unique=True)
    customer_id: str | None = Field(default=None, max_length=200, unique=True)
    status: str = Field(default="live", max_length=10)
    merged_into: int | None = Field(default=None, sa_type=BigInteger)
    created_at: datetime = Field(sa_type=UtcDateTime)


class Identifier(Base, table=True):
    """What a person is known by: `key` is `type:value`, the value in its normal form (E.164, lower case e-mail).

    One column for both, so that PostgreSQL looks many up by the unique index even before it has statistics of the table.
    One column for both, so that PostgreSQL looks many up by the unique index even before it has statistics of the table.
    `vouched`: the merchant said whose it is; what a shopper said gives way to it.
    """

    __tablename__ = "identifier"

    key: str = Field(primary_key=True, max_length=250)
    uid: int = Field(sa_type=BigInteger, index=True)
    vouched: bool
    created_at: datetime = Field(sa_type=UtcDateTime)


class Trait(Base, table=True):
    """A stated fact about a person, newest by its own time (`at`, µs). `value` is JSON text, NULL when cleared.

    What the merchant said (`vouched`) goes before all that shoppers say, whenever they say it.

    `text`, `number`, `moment` and `day` are its comparable forms (rules.scalars).
    """

    __tablename__ = "trait"
    __table_args__ = (Index(None, "name", "number"), {"sqlite_with_rowid": False})

    uid: int = Field(primary_key=True, sa_type=BigInteger, sa_column_kwargs={"autoincrement": False})
    name: str = Field(primary_key=True, max_length=200)
    value: str | None = Field(default=None, sa_type=Text)
    text: str | None = Field(default=None, sa_type=Text)
    number: int | None = Field(default=None, sa_type=BigInteger)
    moment: int | None = Field(default=None, sa_type=BigInteger)
    day: int | None = Field(default=None, sa_type=BigInteger)
    at: int = Field(sa_type=BigInteger)
    vouched: bool
