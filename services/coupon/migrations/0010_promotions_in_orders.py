"""promotions in orders

Revision: 0010, after: 0009
"""

import sqlalchemy as sa
from alembic import op

from shared.db import types

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "checkout_promotion",
        sa.Column("checkout_id", sa.String(length=40), nullable=False),
        sa.Column("promotion_id", sa.String(length=40), nullable=False),
        sa.Column("terms_version", sa.Integer(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("cash_back", sa.BigInteger(), nullable=False),
        sa.Column("budget_taken", sa.BigInteger(), nullable=False),
        sa.Column("day", sa.String(length=10), nullable=True),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("step", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "state IN ('live', 'redeemed', 'released', 'returned')", name=op.f("ck_checkout_promotion_state")
        ),
        sa.CheckConstraint(
            "amount >= 0 AND cash_back >= 0 AND budget_taken >= 0", name=op.f("ck_checkout_promotion_not_negative")
        ),
        sa.PrimaryKeyConstraint("checkout_id", "promotion_id", name=op.f("pk_checkout_promotion")),
    )
    op.create_index(
        op.f("ix_checkout_promotion_promotion_id_state"), "checkout_promotion", ["promotion_id", "state"], unique=False
    )

    op.create_table(
        "promotion_entry",
        sa.Column("checkout_id", sa.String(length=40), nullable=False),
        sa.Column("promotion_id", sa.String(length=40), nullable=False),
        sa.Column("step", sa.Integer(), nullable=False),
        sa.Column("to_state", sa.String(length=16), nullable=False),
        sa.Column("issued_change", sa.Integer(), nullable=False),
        sa.Column("budget_change", sa.BigInteger(), nullable=False),
        sa.Column("day", sa.String(length=10), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("actor", sa.String(length=255), nullable=False),
        sa.Column("occurred_at", types.UtcDateTime(length=27), nullable=False),
        sa.CheckConstraint(
            "to_state IN ('live', 'redeemed', 'released', 'returned')", name=op.f("ck_promotion_entry_state")
        ),
        sa.PrimaryKeyConstraint("checkout_id", "promotion_id", "step", name=op.f("pk_promotion_entry")),
    )
    op.create_index(op.f("ix_promotion_entry_promotion_id"), "promotion_entry", ["promotion_id"], unique=False)

    for name in ("cash_back", "budget_taken"):
        # Said in SQL: Alembic would copy the whole SQLite table for a column with a CHECK, and lose its other CHECKs.
        op.execute(
            f"ALTER TABLE checkout_coupon ADD COLUMN {name} BIGINT DEFAULT 0 NOT NULL"
            f" CONSTRAINT ck_checkout_coupon_{name} CHECK ({name} >= 0)"
        )


def downgrade() -> None:
    for name in ("budget_taken", "cash_back"):
        op.drop_column("checkout_coupon", name)
    op.drop_table("promotion_entry")
    op.drop_table("checkout_promotion")
