"""refunds

Revision: 0007, after: 0006
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from shared.db import types

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_JSON = sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql")
_LIVE = sa.text("state = 'live'")
_LOCK = sa.Table(
    "checkout_coupon",
    sa.MetaData(),
    sa.Column("checkout_id", sa.String(40), nullable=False),
    sa.Column("coupon_id", sa.String(40), nullable=False),
    sa.Column("template_id", sa.String(40), nullable=False),
    sa.Column("token", sa.BigInteger, nullable=False),
    sa.Column("amount", sa.BigInteger, nullable=False),
    sa.Column("state", sa.String(16), nullable=False),
    sa.PrimaryKeyConstraint("checkout_id", "coupon_id", name="pk_checkout_coupon"),
    sa.CheckConstraint("state <> ''", name="ck_checkout_coupon_state"),
    sa.CheckConstraint("amount >= 0", name="ck_checkout_coupon_amount"),
    sa.Index("uq_checkout_coupon_live", "coupon_id", unique=True, sqlite_where=_LIVE, postgresql_where=_LIVE),
)


def upgrade() -> None:
    op.create_table(
        "checkout_line",
        sa.Column("checkout_id", sa.String(length=40), nullable=False),
        sa.Column("line_id", sa.String(length=200), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("unit_price", sa.BigInteger(), nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.Column("discount", sa.BigInteger(), nullable=False),
        sa.Column("points", sa.BigInteger(), nullable=False),
        sa.Column("returned", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("kind IN ('goods', 'gift', 'shipping')", name=op.f("ck_checkout_line_kind")),
        sa.CheckConstraint(
            "discount >= 0 AND points >= 0 AND discount + points <= unit_price * quantity",
            name=op.f("ck_checkout_line_shares"),
        ),
        sa.CheckConstraint("returned >= 0 AND returned <= quantity", name=op.f("ck_checkout_line_returned")),
        sa.PrimaryKeyConstraint("checkout_id", "line_id", name=op.f("pk_checkout_line")),
    )
    op.create_table(
        "refund",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("checkout_id", sa.String(length=40), nullable=False),
        sa.Column("order_id", sa.String(length=200), nullable=False),
        sa.Column("customer_id", sa.String(length=200), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("refund_id", sa.String(length=200), nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("policy", sa.String(length=16), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("points", sa.BigInteger(), nullable=False),
        sa.Column("whole", sa.Boolean(), nullable=False),
        sa.Column("outcome", _JSON, nullable=False),
        sa.Column("actor", sa.String(length=255), nullable=False),
        sa.Column("created_at", types.UtcDateTime(length=27), nullable=False),
        sa.CheckConstraint("policy IN ('keep', 'clawback')", name=op.f("ck_refund_policy")),
        sa.CheckConstraint("amount >= 0 AND points >= 0", name=op.f("ck_refund_amount")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_refund")),
    )
    with op.batch_alter_table("refund", schema=None) as batch_op:
        batch_op.create_index("uq_refund_checkout_id_number", ["checkout_id", "number"], unique=True)
        batch_op.create_index("uq_refund_checkout_id_refund_id", ["checkout_id", "refund_id"], unique=True)

    op.create_table(
        "refund_line",
        sa.Column("refund_id", sa.String(length=40), nullable=False),
        sa.Column("checkout_id", sa.String(length=40), nullable=False),
        sa.Column("line_id", sa.String(length=200), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("points", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("quantity >= 1 AND amount >= 0 AND points >= 0", name=op.f("ck_refund_line_not_negative")),
        sa.PrimaryKeyConstraint("refund_id", "line_id", name=op.f("pk_refund_line")),
    )
    with op.batch_alter_table("refund_line", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_refund_line_checkout_id"), ["checkout_id"], unique=False)

    op.create_table(
        "refund_share",
        sa.Column("refund_id", sa.String(length=40), nullable=False),
        sa.Column("checkout_id", sa.String(length=40), nullable=False),
        sa.Column("line_id", sa.String(length=200), nullable=False),
        sa.Column("source", sa.String(length=40), nullable=False),
        sa.Column("funder", sa.String(length=16), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("refund_id", "line_id", "source", name=op.f("pk_refund_share")),
    )
    with op.batch_alter_table("refund_share", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_refund_share_checkout_id"), ["checkout_id"], unique=False)

    # Said in SQL: Alembic would copy the whole SQLite table for a column with a CHECK, and lose its other CHECKs.
    for name in ("total", "points"):
        op.execute(
            f"ALTER TABLE checkout ADD COLUMN {name} BIGINT DEFAULT 0 NOT NULL"
            f" CONSTRAINT ck_checkout_{name} CHECK ({name} >= 0)"
        )
    on_postgresql = op.get_bind().dialect.name == "postgresql"
    frozen = "CAST(quote ->> 'total' AS BIGINT)" if on_postgresql else "json_extract(quote, '$.total')"
    op.execute(f"UPDATE checkout SET total = {frozen}")  # noqa: S608 - one of the two texts above
    op.add_column("checkout", sa.Column("cart", _JSON, nullable=True))
    op.execute(
        "ALTER TABLE discount_share ADD COLUMN funder VARCHAR(16) DEFAULT 'shop' NOT NULL"
        " CONSTRAINT ck_discount_share_funder CHECK (funder IN ('shop', 'platform', 'customer'))"
    )
    _lock_states("state IN ('live', 'redeemed', 'released', 'returned')")


def _lock_states(condition: str) -> None:
    """Another CHECK for the states of a lock; SQLite gets a new table for it, made from the description here."""
    with op.batch_alter_table("checkout_coupon", copy_from=_LOCK) as batch_op:
        batch_op.drop_constraint(op.f("ck_checkout_coupon_state"), type_="check")
        batch_op.create_check_constraint(op.f("ck_checkout_coupon_state"), condition)


def downgrade() -> None:
    op.execute("UPDATE checkout_coupon SET state = 'redeemed' WHERE state = 'returned'")
    _lock_states("state IN ('live', 'redeemed', 'released')")
    op.drop_column("discount_share", "funder")
    for name in ("cart", "points", "total"):
        op.drop_column("checkout", name)
    with op.batch_alter_table("refund_share", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_refund_share_checkout_id"))

    op.drop_table("refund_share")
    with op.batch_alter_table("refund_line", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_refund_line_checkout_id"))

    op.drop_table("refund_line")
    with op.batch_alter_table("refund", schema=None) as batch_op:
        batch_op.drop_index("uq_refund_checkout_id_refund_id")
        batch_op.drop_index("uq_refund_checkout_id_number")

    op.drop_table("refund")
    op.drop_table("checkout_line")
