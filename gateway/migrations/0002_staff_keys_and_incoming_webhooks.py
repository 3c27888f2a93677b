"""Staff keys work for one shop; incoming webhooks: who may post, and what came.

Revision: 0002, after: 0001
"""

import sqlalchemy as sa
from alembic import op

from shared.db import types

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("api_keys", sa.Column("shop_id", sa.String(length=200), nullable=True))
    op.create_table(
        "webhook_sources",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("owner_id", sa.String(length=40), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("scheme", sa.String(length=40), nullable=False),
        sa.Column("secrets", types.JsonType, nullable=False),
        sa.Column("maps_to", types.JsonType, nullable=False),
        sa.Column("status", sa.String(length=20), nullable=False),
        sa.Column("signature_failures", sa.Integer(), nullable=False),
        sa.Column("last_failure_at", types.UtcDateTime(length=27), nullable=True),
        sa.Column("last_failure", sa.String(length=200), nullable=True),
        sa.Column("created_at", types.UtcDateTime(length=27), nullable=False),
        sa.Column("changed_at", types.UtcDateTime(length=27), nullable=False),
        sa.CheckConstraint("status IN ('active', 'paused', 'deleted')", name=op.f("ck_webhook_sources_status")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhook_sources")),
    )
    op.create_index(op.f("ix_webhook_sources_owner_id"), "webhook_sources", ["owner_id"])

    op.create_table(
        "webhook_received",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("source_id", sa.String(length=40), nullable=False),
        sa.Column("delivery_id", sa.String(length=200), nullable=False),
        sa.Column("outcome", sa.String(length=20), nullable=False),
        sa.Column("code", sa.String(length=60), nullable=True),
        sa.Column("detail", sa.String(length=500), nullable=True),
        sa.Column("their_type", sa.String(length=100), nullable=True),
        sa.Column("event_type", sa.String(length=80), nullable=True),
        sa.Column("order_id", sa.String(length=200), nullable=True),
        sa.Column("message_id", sa.String(length=40), nullable=True),
        sa.Column("body_hash", sa.String(length=16), nullable=False),
        sa.Column("times", sa.Integer(), nullable=False),
        sa.Column("received_at", types.UtcDateTime(length=27), nullable=False),
        sa.Column("last_at", types.UtcDateTime(length=27), nullable=False),
        sa.CheckConstraint(
            "outcome IN ('accepted', 'ignored', 'refused', 'paused')", name=op.f("ck_webhook_received_outcome")
        ),
        sa.ForeignKeyConstraint(["source_id"], ["webhook_sources.id"], name=op.f("fk_webhook_received_source_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhook_received")),
        sa.UniqueConstraint("source_id", "delivery_id", name=op.f("uq_webhook_received_source_id_delivery_id")),
    )
    op.create_index(op.f("ix_webhook_received_last_at"), "webhook_received", ["last_at"])
    op.create_index(op.f("ix_webhook_received_source_id_order_id"), "webhook_received", ["source_id", "order_id"])


def downgrade() -> None:
    op.drop_table("webhook_received")
    op.drop_table("webhook_sources")
    op.drop_column("api_keys", "shop_id")
