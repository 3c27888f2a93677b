"""facts about customers

Revision: 0005, after: 0004
"""

import sqlalchemy as sa
from alembic import op

from shared.db import types

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "completed_order",
        sa.Column("order_id", sa.String(length=200), nullable=False),
        sa.Column("customer_id", sa.String(length=200), nullable=False),
        sa.Column("completed_at", types.UtcDateTime(length=27), nullable=False),
        sa.PrimaryKeyConstraint("order_id", name=op.f("pk_completed_order")),
    )
    op.create_index(op.f("ix_completed_order_customer_id"), "completed_order", ["customer_id"], unique=False)
    op.create_table(
        "customer",
        sa.Column("customer_id", sa.String(length=200), nullable=False),
        sa.Column("known_since", types.UtcDateTime(length=27), nullable=False),
        sa.Column("tier", sa.String(length=200), nullable=True),
        sa.Column("tier_at", types.UtcDateTime(length=27), nullable=True),
        sa.CheckConstraint("tier IS NULL OR tier_at IS NOT NULL", name=op.f("ck_customer_tier")),
        sa.PrimaryKeyConstraint("customer_id", name=op.f("pk_customer")),
    )
    op.add_column("checkout", sa.Column("first_order", sa.Boolean(), server_default=sa.false(), nullable=False))


def downgrade() -> None:
    op.drop_column("checkout", "first_order")
    op.drop_table("customer")
    op.drop_table("completed_order")
