"""The tables of reservations."""

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, Index, String, UniqueConstraint, text
from sqlmodel import Field

from services.inventory.base import Base
from services.inventory.reservations.rules import STATUSES
from shared.db import UtcDateTime
from shared.web import partners_index

_HELD = text("status = 'held'")


class ReservationRow(Base, table=True):
    """One reservation: the ``turn``-th of its owner's ``order_id``. One at most is not released (the audit looks): the next turn
    is written in the transaction that releases the one before, which it has locked. ``fingerprint`` is of the request, to
    tell a repeat from another order.
    """

    __tablename__ = "reservation"
    __table_args__ = (
        CheckConstraint(f"status IN {STATUSES}", name="status"),
        UniqueConstraint("order_id", "owner_id", "turn"),
        # The sweeper's way in: only what is held can run out, so the index stays as small as the open checkouts.
        Index("ix_reservation_due", "expires_at", postgresql_where=_HELD, sqlite_where=_HELD),
        partners_index("reservation"),
    )

    id: str = Field(primary_key=True, sa_type=String(40))
    owner_id: str = Field(sa_type=String(40))
    order_id: str = Field(sa_type=String(200))
    turn: int = 1
    channel: str = Field(sa_type=String(40))
    status: str = Field(sa_type=String(20))
    fingerprint: str = Field(sa_type=String(64))
    ttl_seconds: int
    expires_at: datetime = Field(sa_type=UtcDateTime)
    extended: bool = False
    reserved_again: bool = False
    version: int = 1
    created_at: datetime = Field(sa_type=UtcDateTime)
    updated_at: datetime = Field(sa_type=UtcDateTime)


class ReservationLineRow(Base, table=True):
    """Units of one SKU at one location. No foreign key (hot path): lines are written with their reservation, the audit looks."""

    __tablename__ = "reservation_line"
    __table_args__ = (
        CheckConstraint("quantity > 0 AND shipped >= 0 AND released >= 0", name="units"),
        CheckConstraint("shipped + released <= quantity", name="open_units"),
        Index(None, "sku", "location_id"),
    )

    reservation_id: str = Field(primary_key=True, sa_type=String(40))
    line_no: int = Field(primary_key=True)
    sku: str = Field(sa_type=String(200))
    location_id: str = Field(sa_type=String(64))
    quantity: int = Field(sa_type=BigInteger)
    pinned: bool
    shipped: int = Field(0, sa_type=BigInteger)
    released: int = Field(0, sa_type=BigInteger)
