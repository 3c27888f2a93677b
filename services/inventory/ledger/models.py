"""The tables of the ledger. Levels and movements are always written in one transaction.

The identities stand in the database too, as CHECK constraints: whatever a program does, no row can hold less than nothing.
"""

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, String, UniqueConstraint
from sqlmodel import Field

from services.inventory.base import Base
from services.inventory.ledger.rules import COUNTERS, ON_HAND, STATES
from shared.db import AutoId, JsonType, UtcDateTime
from shared.web import partners_index


class StockLevel(Base, table=True):
    """The units of one SKU at one location by state: the sum of its movements. ``counted_version`` is the version that the last
    count 盘点 was taken at.
    """

    __tablename__ = "stock_level"
    __table_args__ = (
        UniqueConstraint("sku", "location_id"),
        CheckConstraint(f"on_hand = {' + '.join(ON_HAND)}", name="on_hand_is_the_sum"),
        CheckConstraint(" AND ".join(f"{counter} >= 0" for counter in COUNTERS), name="never_below_zero"),
        CheckConstraint("safety_target >= 0 AND low_threshold >= 0", name="settings"),
    )

    id: str = Field(primary_key=True, sa_type=String(40))
    sku: str = Field(sa_type=String(200))
    location_id: str = Field(sa_type=String(64), sa_column_args=(ForeignKey("location.id"),))
    on_hand: int = Field(0, sa_type=BigInteger)
    available: int = Field(0, sa_type=BigInteger)
    held: int = Field(0, sa_type=BigInteger)
    committed: int = Field(0, sa_type=BigInteger)
    safety: int = Field(0, sa_type=BigInteger)
    quality_control: int = Field(0, sa_type=BigInteger)
    damaged: int = Field(0, sa_type=BigInteger)
    incoming: int = Field(0, sa_type=BigInteger)
    safety_target: int = Field(0, sa_type=BigInteger)
    low_threshold: int | None = Field(None, sa_type=BigInteger)
    counted_version: int = Field(0, sa_type=BigInteger)
    version: int = Field(0, sa_type=BigInteger)
    updated_at: datetime = Field(sa_type=UtcDateTime)


class StockMovement(Base, table=True):
    """Units that went from one state to another, by whom and why. Append-only.

    ``key`` is unique: the same step of the same document can be written only once. ``level_version`` is the version that the
    level has since: its movements in their order. No foreign keys: this is the hot path, and the audit looks for movements
    without a level.
    """

    __tablename__ = "stock_movement"
    __table_args__ = (
        CheckConstraint("quantity > 0", name="quantity"),
        CheckConstraint(f"from_state <> to_state AND from_state IN {STATES} AND to_state IN {STATES}", name="states"),
        Index(None, "sku", "location_id", "id"),
        partners_index("stock_movement"),
    )

    id: str = Field(primary_key=True, sa_type=String(40))
    owner_id: str = Field(sa_type=String(40))
    key: str = Field(unique=True, sa_type=String(120))
    sku: str = Field(sa_type=String(200))
    location_id: str = Field(sa_type=String(64))
    from_state: str = Field(sa_type=String(16))
    to_state: str = Field(sa_type=String(16))
    quantity: int = Field(sa_type=BigInteger)
    reason: str = Field(sa_type=String(24))
    reference: str | None = Field(None, sa_type=String(200))
    reservation_id: str | None = Field(None, sa_type=String(40))
    actor: str = Field(sa_type=String(255))
    remark: str | None = Field(None, sa_type=String(300))
    level_version: int = Field(sa_type=BigInteger)
    occurred_at: datetime = Field(sa_type=UtcDateTime)


class StockDue(Base, table=True):
    """A SKU whose units for sale have changed, until the signals have been looked at. ``fell``: units went. Append-only, so that
    writers wait neither for each other nor for who looks.
    """

    __tablename__ = "stock_due"

    id: int = Field(default=None, primary_key=True, sa_type=AutoId)
    sku: str = Field(sa_type=String(200))
    fell: bool


class StockDocument(Base, table=True):
    """An adjustment, a shipment or a cancellation as it was answered: the same (kind, reference) of an owner again gets the
    same answer.
    """

    __tablename__ = "stock_document"
    __table_args__ = (UniqueConstraint("kind", "reference", "owner_id"),)

    id: str = Field(primary_key=True, sa_type=String(40))
    owner_id: str = Field(sa_type=String(40))
    kind: str = Field(sa_type=String(16))
    reference: str = Field(sa_type=String(300))
    fingerprint: str = Field(sa_type=String(64))
    answer: dict[str, object] = Field(sa_type=JsonType)
    created_at: datetime = Field(sa_type=UtcDateTime)
