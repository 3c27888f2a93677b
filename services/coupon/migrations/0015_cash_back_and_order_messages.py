"""cash back and order messages

Revision: 0015, after: 0014
"""

import sqlalchemy as sa
from alembic import op

from shared.db import types

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "cash_back",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("checkout_id", sa.String(length=40), nullable=False),
        sa.Column("order_id", sa.String(length=200), nullable=False),
        sa.Column("customer_id", sa.String(length=200), nullable=False),
        sa.Column("source", sa.String(length=40), nullable=False),
        sa.Column("template_id", sa.String(length=40), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("promised", sa.BigInteger(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("valid_days", sa.Integer(), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("coupon_id", sa.String(length=40), nullable=True),
        sa.Column("note", sa.String(length=64), nullable=True),
        sa.Column("created_at", types.UtcDateTime(length=27), nullable=False),
        sa.Column("updated_at", types.UtcDateTime(length=27), nullable=False),
        sa.CheckConstraint("status <> 'issued' OR coupon_id IS NOT NULL", name=op.f("ck_cash_back_coupon")),
        sa.CheckConstraint("status IN ('promised', 'due', 'issued', 'cancelled')", name=op.f("ck_cash_back_status")),
        sa.CheckConstraint("amount >= 0 AND amount <= promised", name=op.f("ck_cash_back_amount")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cash_back")),
    )
    op.create_index(op.f("ix_cash_back_customer_id_id"), "cash_back", ["customer_id", "id"], unique=False)
    op.create_index(op.f("ix_cash_back_order_id"), "cash_back", ["order_id"], unique=False)
    op.create_index("uq_cash_back_checkout_id_source", "cash_back", ["checkout_id", "source"], unique=True)

    op.create_table(
        "order_message",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("message_id", sa.String(length=255), nullable=False),
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("order_id", sa.String(length=200), nullable=False),
        sa.Column("checkout_id", sa.String(length=40), nullable=False),
        sa.Column("outcome", sa.String(length=16), nullable=False),
        sa.Column("code", sa.String(length=64), nullable=True),
        sa.Column("detail", sa.Text(), nullable=True),
        sa.Column("received_at", types.UtcDateTime(length=27), nullable=False),
        sa.CheckConstraint("outcome IN ('done', 'nothing', 'refused')", name=op.f("ck_order_message_outcome")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_order_message")),
    )
    op.create_index(op.f("ix_order_message_order_id_id"), "order_message", ["order_id", "id"], unique=False)
    op.create_index(op.f("ix_order_message_outcome_id"), "order_message", ["outcome", "id"], unique=False)

    # Said in SQL: Alembic would copy the whole SQLite table for a column with a CHECK, and lose its other CHECKs.
    op.execute(
        "ALTER TABLE coupon ADD COLUMN face_amount BIGINT"
        " CONSTRAINT ck_coupon_face_amount CHECK (face_amount IS NULL OR face_amount > 0)"
    )
    op.add_column("template", sa.Column("cash_back_of", sa.String(length=40), nullable=True))
    op.create_index("uq_template_cash_back_of", "template", ["cash_back_of"], unique=True)


def downgrade() -> None:
    op.drop_index("uq_template_cash_back_of", "template")
    op.drop_column("template", "cash_back_of")
    op.drop_column("coupon", "face_amount")
    op.drop_table("order_message")
    op.drop_table("cash_back")
