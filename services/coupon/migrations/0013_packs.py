"""packs

Revision: 0013, after: 0012
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from shared.db import types

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

_JSON = sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql")


def upgrade() -> None:
    op.create_table(
        "coupon_pack",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("items", _JSON, nullable=False),
        sa.Column("total", sa.BigInteger(), nullable=True),
        sa.Column("per_customer", sa.BigInteger(), nullable=False),
        sa.Column("auto_on", sa.String(length=32), nullable=True),
        sa.Column("issued", sa.BigInteger(), nullable=False),
        sa.Column("created_at", types.UtcDateTime(length=27), nullable=False),
        sa.Column("updated_at", types.UtcDateTime(length=27), nullable=False),
        sa.CheckConstraint("status IN ('active', 'paused')", name=op.f("ck_coupon_pack_status")),
        sa.CheckConstraint(
            "issued >= 0 AND (total IS NULL OR issued <= total)", name=op.f("ck_coupon_pack_within_total")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_coupon_pack")),
    )
    op.create_index(op.f("ix_coupon_pack_auto_on_status"), "coupon_pack", ["auto_on", "status"])
    op.create_table(
        "pack_claim",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("pack_id", sa.String(length=40), nullable=False),
        sa.Column("customer_id", sa.String(length=200), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("coupon_ids", _JSON, nullable=False),
        sa.Column("coupon_count", sa.Integer(), nullable=False),
        sa.Column("actor", sa.String(length=255), nullable=False),
        sa.Column("created_at", types.UtcDateTime(length=27), nullable=False),
        sa.CheckConstraint("number >= 1", name=op.f("ck_pack_claim_number")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pack_claim")),
        sa.UniqueConstraint("pack_id", "customer_id", "number", name=op.f("uq_pack_claim_pack_id_customer_id_number")),
    )
    op.create_index(op.f("ix_pack_claim_pack_id_id"), "pack_claim", ["pack_id", "id"])


def downgrade() -> None:
    op.drop_table("pack_claim")
    op.drop_table("coupon_pack")
