"""First tables: locations, ledger, reservations."""

# ruff: noqa: E501 - the text of a CHECK stands whole, as the database keeps it

import sqlalchemy as sa
from alembic import op

from shared.db import types

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "idempotency",
        sa.Column("owner", sa.String(length=200), nullable=False),
        sa.Column("key", sa.String(length=255), nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("token", sa.String(length=40), nullable=False),
        sa.Column("lease_until", types.UtcDateTime(), nullable=True),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("headers", types.JsonType, nullable=True),
        sa.Column("body", sa.LargeBinary(), nullable=True),
        sa.Column("created_at", types.UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("owner", "key", name=op.f("pk_idempotency")),
    )
    with op.batch_alter_table("idempotency", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_idempotency_created_at"), ["created_at"], unique=False)

    op.create_table(
        "inbox",
        sa.Column("consumer", sa.String(length=80), nullable=False),
        sa.Column("message_id", sa.String(length=80), nullable=False),
        sa.Column("received_at", types.UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("consumer", "message_id", name=op.f("pk_inbox")),
    )
    with op.batch_alter_table("inbox", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_inbox_received_at"), ["received_at"], unique=False)

    op.create_table(
        "location",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("lat", sa.Float(), nullable=True),
        sa.Column("lon", sa.Float(), nullable=True),
        sa.Column("address", sa.String(length=300), nullable=True),
        sa.Column("can_ship", sa.Boolean(), nullable=False),
        sa.Column("can_pickup", sa.Boolean(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", types.UtcDateTime(), nullable=False),
        sa.Column("updated_at", types.UtcDateTime(), nullable=False),
        sa.CheckConstraint("kind IN ('warehouse', 'store', 'supplier', 'marketplace')", name=op.f("ck_location_kind")),
        sa.CheckConstraint("(lat IS NULL) = (lon IS NULL)", name=op.f("ck_location_geo_whole")),
        sa.CheckConstraint("lat BETWEEN -90 AND 90 AND lon BETWEEN -180 AND 180", name=op.f("ck_location_geo")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_location")),
    )
    op.create_table(
        "outbox",
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("pack_id", sa.String(length=40), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", types.UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_outbox")),
    )
    op.create_table(
        "reservation",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("owner_id", sa.String(length=40), nullable=False),
        sa.Column("order_id", sa.String(length=200), nullable=False),
        sa.Column("turn", sa.Integer(), nullable=False),
        sa.Column("channel", sa.String(length=40), nullable=False),
        sa.Column("status", sa.String(length=20), nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("ttl_seconds", sa.Integer(), nullable=False),
        sa.Column("expires_at", types.UtcDateTime(), nullable=False),
        sa.Column("extended", sa.Boolean(), nullable=False),
        sa.Column("reserved_again", sa.Boolean(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", types.UtcDateTime(), nullable=False),
        sa.Column("updated_at", types.UtcDateTime(), nullable=False),
        sa.CheckConstraint(
            "status IN ('held', 'confirmed', 'partially_shipped', 'shipped', 'released', 'expired')",
            name=op.f("ck_reservation_status"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reservation")),
        sa.UniqueConstraint("order_id", "owner_id", "turn", name=op.f("uq_reservation_order_id_owner_id_turn")),
    )
    with op.batch_alter_table("reservation", schema=None) as batch_op:
        batch_op.create_index(
            "ix_reservation_partners",
            ["owner_id", "id"],
            unique=False,
            sqlite_where=sa.text("owner_id <> 'own_merchant'"),
            postgresql_where=sa.text("owner_id <> 'own_merchant'"),
        )
        batch_op.create_index(
            "ix_reservation_due",
            ["expires_at"],
            unique=False,
            postgresql_where=sa.text("status = 'held'"),
            sqlite_where=sa.text("status = 'held'"),
        )

    op.create_table(
        "reservation_line",
        sa.Column("reservation_id", sa.String(length=40), nullable=False),
        sa.Column("line_no", sa.Integer(), nullable=False),
        sa.Column("sku", sa.String(length=200), nullable=False),
        sa.Column("location_id", sa.String(length=64), nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.Column("pinned", sa.Boolean(), nullable=False),
        sa.Column("shipped", sa.BigInteger(), nullable=False),
        sa.Column("released", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("quantity > 0 AND shipped >= 0 AND released >= 0", name=op.f("ck_reservation_line_units")),
        sa.CheckConstraint("shipped + released <= quantity", name=op.f("ck_reservation_line_open_units")),
        sa.PrimaryKeyConstraint("reservation_id", "line_no", name=op.f("pk_reservation_line")),
    )
    with op.batch_alter_table("reservation_line", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_reservation_line_sku_location_id"), ["sku", "location_id"], unique=False)

    op.create_table(
        "sku_signal",
        sa.Column("sku", sa.String(length=200), nullable=False),
        sa.Column("word", sa.String(length=16), nullable=False),
        sa.Column("updated_at", types.UtcDateTime(), nullable=False),
        sa.CheckConstraint("word IN ('new', 'plenty', 'low', 'sold_out')", name=op.f("ck_sku_signal_word")),
        sa.PrimaryKeyConstraint("sku", name=op.f("pk_sku_signal")),
    )
    op.create_table(
        "stock_due",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("sku", sa.String(length=200), nullable=False),
        sa.Column("fell", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stock_due")),
    )
    op.create_table(
        "stock_document",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("owner_id", sa.String(length=40), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("reference", sa.String(length=300), nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("answer", types.JsonType, nullable=False),
        sa.Column("created_at", types.UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stock_document")),
        sa.UniqueConstraint("kind", "reference", "owner_id", name=op.f("uq_stock_document_kind_reference_owner_id")),
    )
    op.create_table(
        "stock_movement",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("owner_id", sa.String(length=40), nullable=False),
        sa.Column("key", sa.String(length=120), nullable=False),
        sa.Column("sku", sa.String(length=200), nullable=False),
        sa.Column("location_id", sa.String(length=64), nullable=False),
        sa.Column("from_state", sa.String(length=16), nullable=False),
        sa.Column("to_state", sa.String(length=16), nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.String(length=24), nullable=False),
        sa.Column("reference", sa.String(length=200), nullable=True),
        sa.Column("reservation_id", sa.String(length=40), nullable=True),
        sa.Column("actor", sa.String(length=255), nullable=False),
        sa.Column("remark", sa.String(length=300), nullable=True),
        sa.Column("level_version", sa.BigInteger(), nullable=False),
        sa.Column("occurred_at", types.UtcDateTime(), nullable=False),
        sa.CheckConstraint(
            "from_state <> to_state AND from_state IN ('available', 'held', 'committed', 'safety', 'quality_control', 'damaged', 'incoming', 'outside') AND to_state IN ('available', 'held', 'committed', 'safety', 'quality_control', 'damaged', 'incoming', 'outside')",
            name=op.f("ck_stock_movement_states"),
        ),
        sa.CheckConstraint("quantity > 0", name=op.f("ck_stock_movement_quantity")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stock_movement")),
        sa.UniqueConstraint("key", name=op.f("uq_stock_movement_key")),
    )
    with op.batch_alter_table("stock_movement", schema=None) as batch_op:
        batch_op.create_index(
            "ix_stock_movement_partners",
            ["owner_id", "id"],
            unique=False,
            sqlite_where=sa.text("owner_id <> 'own_merchant'"),
            postgresql_where=sa.text("owner_id <> 'own_merchant'"),
        )
        batch_op.create_index(
            batch_op.f("ix_stock_movement_sku_location_id_id"), ["sku", "location_id", "id"], unique=False
        )

    op.create_table(
        "stock_level",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("sku", sa.String(length=200), nullable=False),
        sa.Column("location_id", sa.String(length=64), nullable=False),
        sa.Column("on_hand", sa.BigInteger(), nullable=False),
        sa.Column("available", sa.BigInteger(), nullable=False),
        sa.Column("held", sa.BigInteger(), nullable=False),
        sa.Column("committed", sa.BigInteger(), nullable=False),
        sa.Column("safety", sa.BigInteger(), nullable=False),
        sa.Column("quality_control", sa.BigInteger(), nullable=False),
        sa.Column("damaged", sa.BigInteger(), nullable=False),
        sa.Column("incoming", sa.BigInteger(), nullable=False),
        sa.Column("safety_target", sa.BigInteger(), nullable=False),
        sa.Column("low_threshold", sa.BigInteger(), nullable=True),
        sa.Column("counted_version", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", types.UtcDateTime(), nullable=False),
        sa.CheckConstraint(
            "available >= 0 AND held >= 0 AND committed >= 0 AND safety >= 0 AND quality_control >= 0 AND damaged >= 0 AND incoming >= 0",
            name=op.f("ck_stock_level_never_below_zero"),
        ),
        sa.CheckConstraint(
            "on_hand = available + held + committed + safety + quality_control + damaged",
            name=op.f("ck_stock_level_on_hand_is_the_sum"),
        ),
        sa.CheckConstraint("safety_target >= 0 AND low_threshold >= 0", name=op.f("ck_stock_level_settings")),
        sa.ForeignKeyConstraint(["location_id"], ["location.id"], name=op.f("fk_stock_level_location_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stock_level")),
        sa.UniqueConstraint("sku", "location_id", name=op.f("uq_stock_level_sku_location_id")),
    )


def downgrade() -> None:
    op.drop_table("stock_level")
    with op.batch_alter_table("stock_movement", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_stock_movement_sku_location_id_id"))

    op.drop_table("stock_movement")
    op.drop_table("stock_document")
    op.drop_table("stock_due")
    op.drop_table("sku_signal")
    with op.batch_alter_table("reservation_line", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_reservation_line_sku_location_id"))

    op.drop_table("reservation_line")
    with op.batch_alter_table("reservation", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_reservation_due", postgresql_where=sa.text("status = 'held'"), sqlite_where=sa.text("status = 'held'")
        )

    op.drop_table("reservation")
    op.drop_table("outbox")
    op.drop_table("location")
    with op.batch_alter_table("inbox", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_inbox_received_at"))

    op.drop_table("inbox")
    with op.batch_alter_table("idempotency", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_idempotency_created_at"))

    op.drop_table("idempotency")
