"""Tables of the draws."""

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, Integer, PrimaryKeyConstraint, String, UniqueConstraint
from sqlmodel import Field

from services.coupon.base import Base
from shared.db import UtcDateTime


class Draw(Base, table=True):
    """A draw. `seed` decides every ticket and stays secret until the draw is closed; `seed_hash` commits to it from the start.

    `tickets` and `chain` (the hash over all tickets so far) move with each ticket.
    """

    __tablename__ = "draw"
    __table_args__ = (
        CheckConstraint("status IN ('open', 'closed')", name="status"),
        CheckConstraint("(status = 'closed') = (closed_at IS NOT NULL)", name="closed"),
        CheckConstraint("tickets >= 0", name="not_negative"),
    )

    id: str = Field(primary_key=True, sa_type=String(40))
    owner_id: str = Field(sa_type=String(40))
    name: str = Field(sa_type=String(200))
    status: str = Field(sa_type=String(16))
    algorithm: str = Field(sa_type=String(16))
    seed: str = Field(sa_type=String(64))
    seed_hash: str = Field(sa_type=String(64))
    chain: str = Field(sa_type=String(64))
    tickets: int = Field(0, sa_type=BigInteger)
    per_customer: int | None = Field(None, sa_type=Integer)
    per_day: int | None = Field(None, sa_type=Integer)
    starts_at: datetime = Field(sa_type=UtcDateTime)
    ends_at: datetime = Field(sa_type=UtcDateTime)
    closed_at: datetime | None = Field(None, sa_type=UtcDateTime)
    created_at: datetime = Field(sa_type=UtcDateTime)
    updated_at: datetime = Field(sa_type=UtcDateTime)


class DrawPrize(Base, table=True):
    """One prize, by its place in the draw. `fallback` is the place of what is given once this one ran out."""

    __tablename__ = "draw_prize"
    __table_args__ = (
        PrimaryKeyConstraint("draw_id", "place"),
        CheckConstraint("odds_bp >= 0 AND odds_bp <= 10000", name="odds"),
        CheckConstraint("awarded >= 0 AND (quantity IS NULL OR awarded <= quantity)", name="within_quantity"),
    )

    draw_id: str = Field(sa_type=String(40))
    place: int = Field(sa_type=Integer)
    name: str = Field(sa_type=String(200))
    template_id: str | None = Field(None, sa_type=String(40))
    odds_bp: int = Field(sa_type=Integer)
    quantity: int | None = Field(None, sa_type=BigInteger)
    fallback: int | None = Field(None, sa_type=Integer)
    awarded: int = Field(0, sa_type=BigInteger)


class DrawTicket(Base, table=True):
    """One ticket. Append-only, numbered from 1 without gaps; `nth` counts the customer's: the key is the limit.

    `drawn` is the prize that the seed says, `prize` the one that was given, `reason` why they differ.
    """

    __tablename__ = "draw_ticket"
    __table_args__ = (
        PrimaryKeyConstraint("draw_id", "number"),
        UniqueConstraint("draw_id", "customer_id", "nth"),
        UniqueConstraint("draw_id", "owner_id", "ticket_ref"),
    )

    draw_id: str = Field(sa_type=String(40))
    number: int = Field(sa_type=BigInteger)
    customer_id: str = Field(sa_type=String(200))
    owner_id: str = Field(sa_type=String(40))
    nth: int = Field(sa_type=BigInteger)
    day: str = Field(sa_type=String(10))
    ticket_ref: str | None = Field(None, sa_type=String(200))
    drawn: int | None = Field(None, sa_type=Integer)
    prize: int | None = Field(None, sa_type=Integer)
    reason: str | None = Field(None, sa_type=String(64))
    coupon_id: str | None = Field(None, sa_type=String(40))
    chain: str = Field(sa_type=String(64))
    created_at: datetime = Field(sa_type=UtcDateTime)
