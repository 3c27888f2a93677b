"""Store redemption: signing keys, tokens, redemptions, conflicts of offline tills

Revision: 0012, after: 0011
"""

import sqlalchemy as sa
from alembic import op

from shared.db import types

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "redemption",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("coupon_id", sa.String(length=40), nullable=False),
        sa.Column("template_id", sa.String(length=40), nullable=False),
        sa.Column("customer_id", sa.String(length=200), nullable=False),
        sa.Column("shop_id", sa.String(length=200), nullable=False),
        sa.Column("staff_key_id", sa.String(length=40), nullable=False),
        sa.Column("order_ref", sa.String(length=200), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("offline", sa.Boolean(), nullable=False),
        sa.Column("redeemed_at", types.UtcDateTime(length=27), nullable=False),
        sa.Column("created_at", types.UtcDateTime(length=27), nullable=False),
        sa.Column("reversed_at", types.UtcDateTime(length=27), nullable=True),
        sa.Column("reversed_by", sa.String(length=40), nullable=True),
        sa.Column("reverse_reason", sa.Text(), nullable=True),
        sa.CheckConstraint("(status = 'reversed') = (reversed_at IS NOT NULL)", name=op.f("ck_redemption_reversed")),
        sa.CheckConstraint("status IN ('redeemed', 'reversed')", name=op.f("ck_redemption_status")),
        sa.CheckConstraint("amount >= 0", name=op.f("ck_redemption_amount")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_redemption")),
    )
    op.create_index("ix_redemption_customer_id", "redemption", ["customer_id", "id"])
    op.create_index("ix_redemption_receipt", "redemption", ["shop_id", "order_ref", "coupon_id"])
    op.create_index("ix_redemption_shop_id", "redemption", ["shop_id", "id"])
    op.create_index(
        "uq_redemption_live",
        "redemption",
        ["coupon_id"],
        unique=True,
        sqlite_where=sa.text("status = 'redeemed'"),
        postgresql_where=sa.text("status = 'redeemed'"),
    )
    op.create_table(
        "redemption_conflict",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("coupon_id", sa.String(length=40), nullable=False),
        sa.Column("customer_id", sa.String(length=200), nullable=False),
        sa.Column("shop_id", sa.String(length=200), nullable=False),
        sa.Column("staff_key_id", sa.String(length=40), nullable=False),
        sa.Column("order_ref", sa.String(length=200), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("code", sa.String(length=64), nullable=False),
        sa.Column("held_by", sa.String(length=40), nullable=True),
        sa.Column("redeemed_at", types.UtcDateTime(length=27), nullable=False),
        sa.Column("created_at", types.UtcDateTime(length=27), nullable=False),
        sa.CheckConstraint("amount >= 0", name=op.f("ck_redemption_conflict_amount")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_redemption_conflict")),
        sa.UniqueConstraint(
            "shop_id", "order_ref", "coupon_id", name=op.f("uq_redemption_conflict_shop_id_order_ref_coupon_id")
        ),
    )
    op.create_index("ix_redemption_conflict_shop_id", "redemption_conflict", ["shop_id", "id"])
    op.create_table(
        "redemption_key",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=True),
        sa.Column("public", sa.String(length=64), nullable=False),
        sa.Column("created_at", types.UtcDateTime(length=27), nullable=False),
        sa.Column("retired_at", types.UtcDateTime(length=27), nullable=True),
        sa.CheckConstraint("(retired_at IS NULL) = (sealed IS NOT NULL)", name=op.f("ck_redemption_key_retired")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_redemption_key")),
    )
    op.create_index(
        "uq_redemption_key_active",
        "redemption_key",
        ["active"],
        unique=True,
        sqlite_where=sa.text("retired_at IS NULL"),
        postgresql_where=sa.text("retired_at IS NULL"),
    )
    op.create_table(
        "redemption_token",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("coupon_id", sa.String(length=40), nullable=False),
        sa.Column("customer_id", sa.String(length=200), nullable=False),
        sa.Column("short_code", sa.String(length=16), nullable=False),
        sa.Column("token", sa.Text(), nullable=False),
        sa.Column("issued_at", types.UtcDateTime(length=27), nullable=False),
        sa.Column("expires_at", types.UtcDateTime(length=27), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_redemption_token")),
        sa.UniqueConstraint("short_code", name=op.f("uq_redemption_token_short_code")),
    )
    op.create_index(op.f("ix_redemption_token_coupon_id"), "redemption_token", ["coupon_id"])
    op.create_index(op.f("ix_redemption_token_expires_at"), "redemption_token", ["expires_at"])


def downgrade() -> None:
    op.drop_table("redemption_token")
    op.drop_table("redemption_key")
    op.drop_table("redemption_conflict")
    op.drop_table("redemption")
