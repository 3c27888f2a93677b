"""first tables

Revision: 0001, after:
"""

import sqlalchemy as sa
from alembic import op

from shared.db import types

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "abuse_case",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("subject", sa.String(length=16), nullable=False),
        sa.Column("value", sa.String(length=200), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("score", sa.Integer(), nullable=False),
        sa.Column("reasons", types.JsonType, nullable=False),
        sa.Column("coupons", sa.Integer(), nullable=False),
        sa.Column("opened_at", types.UtcDateTime(length=27), nullable=False),
        sa.Column("updated_at", types.UtcDateTime(length=27), nullable=False),
        sa.Column("decided_at", types.UtcDateTime(length=27), nullable=True),
        sa.Column("decided_by", sa.String(length=40), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.CheckConstraint("(status = 'open') = (decided_at IS NULL)", name=op.f("ck_abuse_case_decided")),
        sa.CheckConstraint("status IN ('open', 'cleared', 'voided', 'denied')", name=op.f("ck_abuse_case_status")),
        sa.CheckConstraint("score >= 0 AND score <= 100", name=op.f("ck_abuse_case_score")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_abuse_case")),
    )
    with op.batch_alter_table("abuse_case", schema=None) as batch_op:
        batch_op.create_index("ix_abuse_case_status", ["status", "id"], unique=False)
        batch_op.create_index("ix_abuse_case_subject", ["subject", "value", "id"], unique=False)
        batch_op.create_index(
            "uq_abuse_case_open",
            ["subject", "value"],
            unique=True,
            sqlite_where=sa.text("status = 'open'"),
            postgresql_where=sa.text("status = 'open'"),
        )

    op.create_table(
        "abuse_case_coupon",
        sa.Column("case_id", sa.String(length=40), nullable=False),
        sa.Column("coupon_id", sa.String(length=40), nullable=False),
        sa.Column("template_id", sa.String(length=40), nullable=False),
        sa.Column("customer_id", sa.String(length=200), nullable=False),
        sa.Column("outcome", sa.String(length=16), nullable=True),
        sa.PrimaryKeyConstraint("case_id", "coupon_id", name=op.f("pk_abuse_case_coupon")),
    )
    with op.batch_alter_table("abuse_case_coupon", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_abuse_case_coupon_customer_id"), ["customer_id"], unique=False)

    op.create_table(
        "abuse_cursor",
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("position", sa.String(length=40), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_abuse_cursor")),
    )
    op.create_table(
        "abuse_failure",
        sa.Column("subject", sa.String(length=16), nullable=False),
        sa.Column("value", sa.String(length=64), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("until", types.UtcDateTime(length=27), nullable=False),
        sa.CheckConstraint("failures >= 1", name=op.f("ck_abuse_failure_counted")),
        sa.PrimaryKeyConstraint("subject", "value", name=op.f("pk_abuse_failure")),
    )
    with op.batch_alter_table("abuse_failure", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_abuse_failure_until"), ["until"], unique=False)

    op.create_table(
        "abuse_share",
        sa.Column("template_id", sa.String(length=40), nullable=False),
        sa.Column("device", sa.String(length=64), nullable=False),
        sa.Column("coupons", sa.BigInteger(), nullable=False),
        sa.Column("last_at", types.UtcDateTime(length=27), nullable=False),
        sa.PrimaryKeyConstraint("template_id", "device", name=op.f("pk_abuse_share")),
    )
    with op.batch_alter_table("abuse_share", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_abuse_share_last_at"), ["last_at"], unique=False)

    op.create_table(
        "abuse_sighting",
        sa.Column("subject", sa.String(length=16), nullable=False),
        sa.Column("value", sa.String(length=64), nullable=False),
        sa.Column("customer_id", sa.String(length=200), nullable=False),
        sa.Column("coupons", sa.BigInteger(), nullable=False),
        sa.Column("last_at", types.UtcDateTime(length=27), nullable=False),
        sa.PrimaryKeyConstraint("subject", "value", "customer_id", name=op.f("pk_abuse_sighting")),
    )
    with op.batch_alter_table("abuse_sighting", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_abuse_sighting_last_at"), ["last_at"], unique=False)

    op.create_table(
        "abuse_version",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_abuse_version")),
    )
    op.create_table(
        "cash_back",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("owner_id", sa.String(length=40), nullable=False),
        sa.Column("checkout_id", sa.String(length=40), nullable=False),
        sa.Column("order_id", sa.String(length=200), nullable=False),
        sa.Column("customer_id", sa.String(length=200), nullable=False),
        sa.Column("source", sa.String(length=40), nullable=False),
        sa.Column("template_id", sa.String(length=40), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("promised", sa.BigInteger(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("owed", sa.BigInteger(), nullable=False),
        sa.Column("valid_days", sa.Integer(), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("coupon_id", sa.String(length=40), nullable=True),
        sa.Column("note", sa.String(length=64), nullable=True),
        sa.Column("created_at", types.UtcDateTime(length=27), nullable=False),
        sa.Column("updated_at", types.UtcDateTime(length=27), nullable=False),
        sa.CheckConstraint("status <> 'issued' OR coupon_id IS NOT NULL", name=op.f("ck_cash_back_coupon")),
        sa.CheckConstraint("status IN ('promised', 'due', 'issued', 'cancelled')", name=op.f("ck_cash_back_status")),
        sa.CheckConstraint("amount >= 0 AND amount <= promised", name=op.f("ck_cash_back_amount")),
        sa.CheckConstraint("owed >= 0 AND owed <= amount", name=op.f("ck_cash_back_owed")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cash_back")),
    )
    with op.batch_alter_table("cash_back", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_cash_back_customer_id_id"), ["customer_id", "id"], unique=False)
        batch_op.create_index(batch_op.f("ix_cash_back_order_id"), ["order_id"], unique=False)
        batch_op.create_index("uq_cash_back_checkout_id_source", ["checkout_id", "source"], unique=True)

    op.create_table(
        "checkout",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("owner_id", sa.String(length=40), nullable=False),
        sa.Column("order_id", sa.String(length=200), nullable=False),
        sa.Column("customer_id", sa.String(length=200), nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("subtotal", sa.BigInteger(), nullable=False),
        sa.Column("discount", sa.BigInteger(), nullable=False),
        sa.Column("first_order", sa.Boolean(), nullable=False),
        sa.Column("total", sa.BigInteger(), nullable=False),
        sa.Column("points", sa.BigInteger(), nullable=False),
        sa.Column("quote", types.JsonType, nullable=False),
        sa.Column("cart", types.JsonType, nullable=True),
        sa.Column("ttl_seconds", sa.Integer(), nullable=False),
        sa.Column("expires_at", types.UtcDateTime(length=27), nullable=False),
        sa.Column("created_at", types.UtcDateTime(length=27), nullable=False),
        sa.Column("updated_at", types.UtcDateTime(length=27), nullable=False),
        sa.CheckConstraint(
            "status IN ('locked', 'committed', 'rolled_back', 'expired')", name=op.f("ck_checkout_status")
        ),
        sa.CheckConstraint("discount >= 0 AND discount <= subtotal", name=op.f("ck_checkout_discount")),
        sa.CheckConstraint("points >= 0", name=op.f("ck_checkout_points")),
        sa.CheckConstraint("total >= 0", name=op.f("ck_checkout_total")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_checkout")),
    )
    with op.batch_alter_table("checkout", schema=None) as batch_op:
        batch_op.create_index(
            "ix_checkout_partners",
            ["owner_id", "id"],
            unique=False,
            sqlite_where=sa.text("owner_id <> 'own_merchant'"),
            postgresql_where=sa.text("owner_id <> 'own_merchant'"),
        )
        batch_op.create_index("ix_checkout_customer_id", ["customer_id", "id"], unique=False)
        batch_op.create_index(
            "ix_checkout_due",
            ["expires_at"],
            unique=False,
            sqlite_where=sa.text("status = 'locked'"),
            postgresql_where=sa.text("status = 'locked'"),
        )
        batch_op.create_index("ix_checkout_order_id", ["order_id", "id"], unique=False)
        batch_op.create_index(
            "uq_checkout_open_order_id",
            ["owner_id", "order_id"],
            unique=True,
            sqlite_where=sa.text("status IN ('locked', 'committed')"),
            postgresql_where=sa.text("status IN ('locked', 'committed')"),
        )

    op.create_table(
        "checkout_coupon",
        sa.Column("checkout_id", sa.String(length=40), nullable=False),
        sa.Column("coupon_id", sa.String(length=40), nullable=False),
        sa.Column("template_id", sa.String(length=40), nullable=False),
        sa.Column("token", sa.BigInteger(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("cash_back", sa.BigInteger(), nullable=False),
        sa.Column("budget_taken", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.CheckConstraint(
            "state IN ('live', 'redeemed', 'released', 'returned')", name=op.f("ck_checkout_coupon_state")
        ),
        sa.CheckConstraint("amount >= 0", name=op.f("ck_checkout_coupon_amount")),
        sa.CheckConstraint("budget_taken >= 0", name=op.f("ck_checkout_coupon_budget_taken")),
        sa.CheckConstraint("cash_back >= 0", name=op.f("ck_checkout_coupon_cash_back")),
        sa.PrimaryKeyConstraint("checkout_id", "coupon_id", name=op.f("pk_checkout_coupon")),
    )
    with op.batch_alter_table("checkout_coupon", schema=None) as batch_op:
        batch_op.create_index(
            "uq_checkout_coupon_live",
            ["coupon_id"],
            unique=True,
            sqlite_where=sa.text("state = 'live'"),
            postgresql_where=sa.text("state = 'live'"),
        )

    op.create_table(
        "checkout_line",
        sa.Column("checkout_id", sa.String(length=40), nullable=False),
        sa.Column("line_id", sa.String(length=200), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("source", sa.String(length=40), nullable=True),
        sa.Column("unit_price", sa.BigInteger(), nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.Column("discount", sa.BigInteger(), nullable=False),
        sa.Column("points", sa.BigInteger(), nullable=False),
        sa.Column("returned", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("(kind = 'gift') = (source IS NOT NULL)", name=op.f("ck_checkout_line_source")),
        sa.CheckConstraint("kind IN ('goods', 'gift', 'shipping')", name=op.f("ck_checkout_line_kind")),
        sa.CheckConstraint(
            "discount >= 0 AND points >= 0 AND discount + points <= unit_price * quantity",
            name=op.f("ck_checkout_line_shares"),
        ),
        sa.CheckConstraint("returned >= 0 AND returned <= quantity", name=op.f("ck_checkout_line_returned")),
        sa.PrimaryKeyConstraint("checkout_id", "line_id", name=op.f("pk_checkout_line")),
    )
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
    with op.batch_alter_table("checkout_promotion", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_checkout_promotion_promotion_id_state"), ["promotion_id", "state"], unique=False
        )

    op.create_table(
        "claim_code",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("owner_id", sa.String(length=40), nullable=False),
        sa.Column("template_id", sa.String(length=40), nullable=False),
        sa.Column("shop_id", sa.String(length=200), nullable=False),
        sa.Column("rotating", sa.Boolean(), nullable=False),
        sa.Column("ttl_seconds", sa.Integer(), nullable=False),
        sa.Column("link", sa.Text(), nullable=True),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("valid_until", types.UtcDateTime(length=27), nullable=True),
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("created_at", types.UtcDateTime(length=27), nullable=False),
        sa.Column("updated_at", types.UtcDateTime(length=27), nullable=False),
        sa.CheckConstraint("status IN ('active', 'paused')", name=op.f("ck_claim_code_status")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_claim_code")),
    )
    with op.batch_alter_table("claim_code", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_claim_code_shop_id_id"), ["shop_id", "id"], unique=False)

    op.create_table(
        "claim_scan",
        sa.Column("claim_code_id", sa.String(length=40), nullable=False),
        sa.Column("customer_id", sa.String(length=200), nullable=False),
        sa.Column("slot", sa.String(length=20), nullable=False),
        sa.Column("shop_id", sa.String(length=200), nullable=False),
        sa.Column("day", sa.String(length=10), nullable=False),
        sa.Column("coupon_id", sa.String(length=40), nullable=True),
        sa.Column("created_at", types.UtcDateTime(length=27), nullable=False),
        sa.PrimaryKeyConstraint("claim_code_id", "customer_id", "slot", name=op.f("pk_claim_scan")),
    )
    with op.batch_alter_table("claim_scan", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_claim_scan_day_shop_id"), ["day", "shop_id"], unique=False)

    op.create_table(
        "code",
        sa.Column("batch_id", sa.String(length=40), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("code", sa.String(length=24), nullable=False),
        sa.Column("customer_id", sa.String(length=200), nullable=True),
        sa.Column("coupon_id", sa.String(length=40), nullable=True),
        sa.Column("redeemed_at", types.UtcDateTime(length=27), nullable=True),
        sa.CheckConstraint(
            "(coupon_id IS NULL) = (customer_id IS NULL) AND (coupon_id IS NULL) = (redeemed_at IS NULL)",
            name=op.f("ck_code_used"),
        ),
        sa.PrimaryKeyConstraint("batch_id", "number", name=op.f("pk_code")),
        sa.UniqueConstraint("code", name=op.f("uq_code_code")),
    )
    with op.batch_alter_table("code", schema=None) as batch_op:
        batch_op.create_index(
            "ix_code_used",
            ["batch_id"],
            unique=False,
            sqlite_where=sa.text("coupon_id IS NOT NULL"),
            postgresql_where=sa.text("coupon_id IS NOT NULL"),
        )

    op.create_table(
        "code_batch",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("owner_id", sa.String(length=40), nullable=False),
        sa.Column("template_id", sa.String(length=40), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("prefix", sa.String(length=8), nullable=False),
        sa.Column("total", sa.BigInteger(), nullable=False),
        sa.Column("made", sa.BigInteger(), nullable=False),
        sa.Column("valid_until", types.UtcDateTime(length=27), nullable=True),
        sa.Column("actor", sa.String(length=255), nullable=False),
        sa.Column("created_at", types.UtcDateTime(length=27), nullable=False),
        sa.Column("updated_at", types.UtcDateTime(length=27), nullable=False),
        sa.CheckConstraint(
            "made >= 0 AND made <= total AND (status <> 'done' OR made = total)", name=op.f("ck_code_batch_made")
        ),
        sa.CheckConstraint("status IN ('running', 'done', 'voided')", name=op.f("ck_code_batch_status")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_code_batch")),
    )
    with op.batch_alter_table("code_batch", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_code_batch_status_id"), ["status", "id"], unique=False)
        batch_op.create_index(batch_op.f("ix_code_batch_template_id_id"), ["template_id", "id"], unique=False)

    op.create_table(
        "completed_order",
        sa.Column("order_id", sa.String(length=200), nullable=False),
        sa.Column("customer_id", sa.String(length=200), nullable=False),
        sa.Column("completed_at", types.UtcDateTime(length=27), nullable=False),
        sa.PrimaryKeyConstraint("order_id", name=op.f("pk_completed_order")),
    )
    with op.batch_alter_table("completed_order", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_completed_order_customer_id"), ["customer_id"], unique=False)

    op.create_table(
        "coupon",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("owner_id", sa.String(length=40), nullable=False),
        sa.Column("template_id", sa.String(length=40), nullable=False),
        sa.Column("terms_version", sa.Integer(), nullable=False),
        sa.Column("customer_id", sa.String(length=200), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("code", sa.String(length=20), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("step", sa.Integer(), nullable=False),
        sa.Column("source", sa.String(length=16), nullable=False),
        sa.Column("reference", sa.String(length=255), nullable=True),
        sa.Column("valid_from", types.UtcDateTime(length=27), nullable=False),
        sa.Column("valid_until", types.UtcDateTime(length=27), nullable=False),
        sa.Column("issued_day", sa.String(length=10), nullable=True),
        sa.Column("reserved", sa.BigInteger(), nullable=False),
        sa.Column("face_amount", sa.BigInteger(), nullable=True),
        sa.Column("lock_token", sa.BigInteger(), nullable=False),
        sa.Column("checkout_id", sa.String(length=40), nullable=True),
        sa.Column("locked_until", types.UtcDateTime(length=27), nullable=True),
        sa.Column("remind_at", types.UtcDateTime(length=27), nullable=True),
        sa.Column("origin_address", sa.String(length=32), nullable=True),
        sa.Column("origin_device", sa.String(length=32), nullable=True),
        sa.Column("issued_at", types.UtcDateTime(length=27), nullable=False),
        sa.Column("updated_at", types.UtcDateTime(length=27), nullable=False),
        sa.CheckConstraint("(status = 'locked') = (checkout_id IS NOT NULL)", name=op.f("ck_coupon_lock")),
        sa.CheckConstraint(
            "status IN ('issued', 'locked', 'redeemed', 'expired', 'voided')", name=op.f("ck_coupon_status")
        ),
        sa.CheckConstraint("face_amount IS NULL OR face_amount > 0", name=op.f("ck_coupon_face_amount")),
        sa.CheckConstraint("reserved >= 0 AND seq >= 1", name=op.f("ck_coupon_not_negative")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_coupon")),
        sa.UniqueConstraint("code", name=op.f("uq_coupon_code")),
        sa.UniqueConstraint("customer_id", "template_id", "seq", name=op.f("uq_coupon_customer_id_template_id_seq")),
    )
    with op.batch_alter_table("coupon", schema=None) as batch_op:
        batch_op.create_index(
            "ix_coupon_partners",
            ["owner_id", "id"],
            unique=False,
            sqlite_where=sa.text("owner_id <> 'own_merchant'"),
            postgresql_where=sa.text("owner_id <> 'own_merchant'"),
        )
        batch_op.create_index(
            "ix_coupon_live_valid_until",
            ["valid_until"],
            unique=False,
            sqlite_where=sa.text("status IN ('issued', 'locked')"),
            postgresql_where=sa.text("status IN ('issued', 'locked')"),
        )
        batch_op.create_index(
            "ix_coupon_remind_at",
            ["remind_at"],
            unique=False,
            sqlite_where=sa.text("remind_at IS NOT NULL"),
            postgresql_where=sa.text("remind_at IS NOT NULL"),
        )
        batch_op.create_index(
            "uq_coupon_once_reference",
            ["reference"],
            unique=True,
            sqlite_where=sa.text("source IN ('code', 'share', 'qr', 'draw')"),
            postgresql_where=sa.text("source IN ('code', 'share', 'qr', 'draw')"),
        )

    op.create_table(
        "coupon_entry",
        sa.Column("coupon_id", sa.String(length=40), nullable=False),
        sa.Column("step", sa.Integer(), nullable=False),
        sa.Column("template_id", sa.String(length=40), nullable=False),
        sa.Column("event", sa.String(length=16), nullable=False),
        sa.Column("from_status", sa.String(length=16), nullable=True),
        sa.Column("to_status", sa.String(length=16), nullable=False),
        sa.Column("budget_change", sa.BigInteger(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=True),
        sa.Column("checkout_id", sa.String(length=40), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("actor", sa.String(length=255), nullable=False),
        sa.Column("occurred_at", types.UtcDateTime(length=27), nullable=False),
        sa.CheckConstraint(
            "to_status IN ('issued', 'locked', 'redeemed', 'expired', 'voided')", name=op.f("ck_coupon_entry_status")
        ),
        sa.PrimaryKeyConstraint("coupon_id", "step", name=op.f("pk_coupon_entry")),
    )
    op.create_table(
        "coupon_job",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("owner_id", sa.String(length=40), nullable=False),
        sa.Column("template_id", sa.String(length=40), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("actor", sa.String(length=255), nullable=False),
        sa.Column("segment_id", sa.String(length=40), nullable=True),
        sa.Column("listed", sa.String(length=200), nullable=True),
        sa.Column("total", sa.BigInteger(), nullable=False),
        sa.Column("issued", sa.BigInteger(), nullable=False),
        sa.Column("refused", sa.BigInteger(), nullable=False),
        sa.Column("refused_by", types.JsonType, nullable=False),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("created_at", types.UtcDateTime(length=27), nullable=False),
        sa.Column("started_at", types.UtcDateTime(length=27), nullable=True),
        sa.Column("updated_at", types.UtcDateTime(length=27), nullable=False),
        sa.CheckConstraint(
            "status IN ('receiving', 'listing', 'running', 'done', 'cancelled')", name=op.f("ck_coupon_job_status")
        ),
        sa.CheckConstraint("issued + refused <= total", name=op.f("ck_coupon_job_counted")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_coupon_job")),
    )
    with op.batch_alter_table("coupon_job", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_coupon_job_status_updated_at"), ["status", "updated_at"], unique=False)

    op.create_table(
        "coupon_pack",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("owner_id", sa.String(length=40), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("items", types.JsonType, nullable=False),
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
    with op.batch_alter_table("coupon_pack", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_coupon_pack_auto_on_status"), ["auto_on", "status"], unique=False)

    op.create_table(
        "customer",
        sa.Column("customer_id", sa.String(length=200), nullable=False),
        sa.Column("known_since", types.UtcDateTime(length=27), nullable=False),
        sa.Column("tier", sa.String(length=200), nullable=True),
        sa.Column("tier_at", types.UtcDateTime(length=27), nullable=True),
        sa.CheckConstraint("tier IS NULL OR tier_at IS NOT NULL", name=op.f("ck_customer_tier")),
        sa.PrimaryKeyConstraint("customer_id", name=op.f("pk_customer")),
    )
    op.create_table(
        "denial",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("subject", sa.String(length=16), nullable=False),
        sa.Column("value", sa.String(length=200), nullable=False),
        sa.Column("reason", sa.String(length=200), nullable=False),
        sa.Column("until", types.UtcDateTime(length=27), nullable=True),
        sa.Column("created_by", sa.String(length=40), nullable=False),
        sa.Column("created_at", types.UtcDateTime(length=27), nullable=False),
        sa.CheckConstraint("subject IN ('customer', 'device', 'address', 'network')", name=op.f("ck_denial_subject")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_denial")),
    )
    with op.batch_alter_table("denial", schema=None) as batch_op:
        batch_op.create_index("uq_denial_subject_value", ["subject", "value"], unique=True)

    op.create_table(
        "discount_share",
        sa.Column("checkout_id", sa.String(length=40), nullable=False),
        sa.Column("line_id", sa.String(length=200), nullable=False),
        sa.Column("source", sa.String(length=40), nullable=False),
        sa.Column("layer", sa.String(length=16), nullable=False),
        sa.Column("funder", sa.String(length=16), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("funder IN ('shop', 'platform', 'customer')", name=op.f("ck_discount_share_funder")),
        sa.CheckConstraint("amount > 0", name=op.f("ck_discount_share_amount")),
        sa.PrimaryKeyConstraint("checkout_id", "line_id", "source", name=op.f("pk_discount_share")),
    )
    op.create_table(
        "draw",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("owner_id", sa.String(length=40), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("algorithm", sa.String(length=16), nullable=False),
        sa.Column("seed", sa.String(length=64), nullable=False),
        sa.Column("seed_hash", sa.String(length=64), nullable=False),
        sa.Column("chain", sa.String(length=64), nullable=False),
        sa.Column("tickets", sa.BigInteger(), nullable=False),
        sa.Column("per_customer", sa.Integer(), nullable=True),
        sa.Column("per_day", sa.Integer(), nullable=True),
        sa.Column("starts_at", types.UtcDateTime(length=27), nullable=False),
        sa.Column("ends_at", types.UtcDateTime(length=27), nullable=False),
        sa.Column("closed_at", types.UtcDateTime(length=27), nullable=True),
        sa.Column("created_at", types.UtcDateTime(length=27), nullable=False),
        sa.Column("updated_at", types.UtcDateTime(length=27), nullable=False),
        sa.CheckConstraint("(status = 'closed') = (closed_at IS NOT NULL)", name=op.f("ck_draw_closed")),
        sa.CheckConstraint("status IN ('open', 'closed')", name=op.f("ck_draw_status")),
        sa.CheckConstraint("tickets >= 0", name=op.f("ck_draw_not_negative")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_draw")),
    )
    op.create_table(
        "draw_prize",
        sa.Column("draw_id", sa.String(length=40), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("template_id", sa.String(length=40), nullable=True),
        sa.Column("odds_bp", sa.Integer(), nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=True),
        sa.Column("fallback", sa.Integer(), nullable=True),
        sa.Column("awarded", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "awarded >= 0 AND (quantity IS NULL OR awarded <= quantity)", name=op.f("ck_draw_prize_within_quantity")
        ),
        sa.CheckConstraint("odds_bp >= 0 AND odds_bp <= 10000", name=op.f("ck_draw_prize_odds")),
        sa.PrimaryKeyConstraint("draw_id", "place", name=op.f("pk_draw_prize")),
    )
    op.create_table(
        "draw_ticket",
        sa.Column("draw_id", sa.String(length=40), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("customer_id", sa.String(length=200), nullable=False),
        sa.Column("owner_id", sa.String(length=40), nullable=False),
        sa.Column("nth", sa.BigInteger(), nullable=False),
        sa.Column("day", sa.String(length=10), nullable=False),
        sa.Column("ticket_ref", sa.String(length=200), nullable=True),
        sa.Column("drawn", sa.Integer(), nullable=True),
        sa.Column("prize", sa.Integer(), nullable=True),
        sa.Column("reason", sa.String(length=64), nullable=True),
        sa.Column("coupon_id", sa.String(length=40), nullable=True),
        sa.Column("chain", sa.String(length=64), nullable=False),
        sa.Column("created_at", types.UtcDateTime(length=27), nullable=False),
        sa.PrimaryKeyConstraint("draw_id", "number", name=op.f("pk_draw_ticket")),
        sa.UniqueConstraint("draw_id", "customer_id", "nth", name=op.f("uq_draw_ticket_draw_id_customer_id_nth")),
        sa.UniqueConstraint(
            "draw_id", "owner_id", "ticket_ref", name=op.f("uq_draw_ticket_draw_id_owner_id_ticket_ref")
        ),
    )
    op.create_table(
        "idempotency",
        sa.Column("owner", sa.String(length=200), nullable=False),
        sa.Column("key", sa.String(length=255), nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("token", sa.String(length=40), nullable=False),
        sa.Column("lease_until", types.UtcDateTime(length=27), nullable=True),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("headers", types.JsonType, nullable=True),
        sa.Column("body", sa.LargeBinary(), nullable=True),
        sa.Column("created_at", types.UtcDateTime(length=27), nullable=False),
        sa.PrimaryKeyConstraint("owner", "key", name=op.f("pk_idempotency")),
    )
    with op.batch_alter_table("idempotency", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_idempotency_created_at"), ["created_at"], unique=False)

    op.create_table(
        "inbox",
        sa.Column("consumer", sa.String(length=80), nullable=False),
        sa.Column("message_id", sa.String(length=80), nullable=False),
        sa.Column("received_at", types.UtcDateTime(length=27), nullable=False),
        sa.PrimaryKeyConstraint("consumer", "message_id", name=op.f("pk_inbox")),
    )
    with op.batch_alter_table("inbox", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_inbox_received_at"), ["received_at"], unique=False)

    op.create_table(
        "issue_request",
        sa.Column("reference", sa.String(length=255), nullable=False),
        sa.Column("template_id", sa.String(length=40), nullable=False),
        sa.Column("customer_id", sa.String(length=200), nullable=False),
        sa.Column("coupon_id", sa.String(length=40), nullable=True),
        sa.Column("code", sa.String(length=64), nullable=True),
        sa.Column("created_at", types.UtcDateTime(length=27), nullable=False),
        sa.PrimaryKeyConstraint("reference", name=op.f("pk_issue_request")),
    )
    op.create_table(
        "issue_target",
        sa.Column("job_id", sa.String(length=40), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("customer_id", sa.String(length=200), nullable=False),
        sa.Column("coupon_id", sa.String(length=40), nullable=True),
        sa.Column("code", sa.String(length=64), nullable=True),
        sa.PrimaryKeyConstraint("job_id", "position", name=op.f("pk_issue_target")),
    )
    op.create_table(
        "order_message",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("message_id", sa.String(length=255), nullable=False),
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("order_id", sa.String(length=200), nullable=False),
        sa.Column("checkout_id", sa.String(length=40), nullable=True),
        sa.Column("outcome", sa.String(length=16), nullable=False),
        sa.Column("code", sa.String(length=64), nullable=True),
        sa.Column("detail", sa.Text(), nullable=True),
        sa.Column("received_at", types.UtcDateTime(length=27), nullable=False),
        sa.CheckConstraint("(checkout_id IS NULL) = (outcome = 'unmatched')", name=op.f("ck_order_message_unmatched")),
        sa.CheckConstraint(
            "outcome IN ('done', 'nothing', 'refused', 'unmatched')", name=op.f("ck_order_message_outcome")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_order_message")),
    )
    with op.batch_alter_table("order_message", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_order_message_order_id_id"), ["order_id", "id"], unique=False)
        batch_op.create_index(batch_op.f("ix_order_message_outcome_id"), ["outcome", "id"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_order_message_outcome_received_at"), ["outcome", "received_at"], unique=False
        )

    op.create_table(
        "outbox",
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("pack_id", sa.String(length=40), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", types.UtcDateTime(length=27), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_outbox")),
    )
    op.create_table(
        "pack_claim",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("owner_id", sa.String(length=40), nullable=False),
        sa.Column("pack_id", sa.String(length=40), nullable=False),
        sa.Column("customer_id", sa.String(length=200), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("coupon_ids", types.JsonType, nullable=False),
        sa.Column("coupon_count", sa.Integer(), nullable=False),
        sa.Column("actor", sa.String(length=255), nullable=False),
        sa.Column("created_at", types.UtcDateTime(length=27), nullable=False),
        sa.CheckConstraint("number >= 1", name=op.f("ck_pack_claim_number")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pack_claim")),
        sa.UniqueConstraint("pack_id", "customer_id", "number", name=op.f("uq_pack_claim_pack_id_customer_id_number")),
    )
    with op.batch_alter_table("pack_claim", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_pack_claim_pack_id_id"), ["pack_id", "id"], unique=False)

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
    with op.batch_alter_table("promotion_entry", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_promotion_entry_promotion_id"), ["promotion_id"], unique=False)

    op.create_table(
        "public_code",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("owner_id", sa.String(length=40), nullable=False),
        sa.Column("code", sa.String(length=100), nullable=False),
        sa.Column("key", sa.String(length=100), nullable=False),
        sa.Column("template_id", sa.String(length=40), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("total", sa.BigInteger(), nullable=True),
        sa.Column("per_customer", sa.Integer(), nullable=False),
        sa.Column("used", sa.BigInteger(), nullable=False),
        sa.Column("valid_from", types.UtcDateTime(length=27), nullable=True),
        sa.Column("valid_until", types.UtcDateTime(length=27), nullable=True),
        sa.Column("created_at", types.UtcDateTime(length=27), nullable=False),
        sa.Column("updated_at", types.UtcDateTime(length=27), nullable=False),
        sa.CheckConstraint("status IN ('active', 'paused')", name=op.f("ck_public_code_status")),
        sa.CheckConstraint("per_customer >= 1", name=op.f("ck_public_code_per_customer")),
        sa.CheckConstraint("used >= 0 AND (total IS NULL OR used <= total)", name=op.f("ck_public_code_within_total")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_public_code")),
        sa.UniqueConstraint("key", name=op.f("uq_public_code_key")),
    )
    with op.batch_alter_table("public_code", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_public_code_template_id_id"), ["template_id", "id"], unique=False)

    op.create_table(
        "public_code_use",
        sa.Column("public_code_id", sa.String(length=40), nullable=False),
        sa.Column("customer_id", sa.String(length=200), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("coupon_id", sa.String(length=40), nullable=False),
        sa.Column("redeemed_at", types.UtcDateTime(length=27), nullable=False),
        sa.PrimaryKeyConstraint("public_code_id", "customer_id", "number", name=op.f("pk_public_code_use")),
        sa.UniqueConstraint("coupon_id", name=op.f("uq_public_code_use_coupon_id")),
    )
    op.create_table(
        "quota_lease",
        sa.Column("template_id", sa.String(length=40), nullable=False),
        sa.Column("holder", sa.String(length=40), nullable=False),
        sa.Column("unused", sa.BigInteger(), nullable=False),
        sa.Column("cost", sa.BigInteger(), nullable=False),
        sa.Column("day", sa.String(length=10), nullable=True),
        sa.Column("expires_at", types.UtcDateTime(length=27), nullable=False),
        sa.CheckConstraint("unused >= 0 AND cost >= 0", name=op.f("ck_quota_lease_not_negative")),
        sa.PrimaryKeyConstraint("template_id", "holder", name=op.f("pk_quota_lease")),
    )
    with op.batch_alter_table("quota_lease", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_quota_lease_expires_at"), ["expires_at"], unique=False)

    op.create_table(
        "redemption",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("owner_id", sa.String(length=40), nullable=False),
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
    with op.batch_alter_table("redemption", schema=None) as batch_op:
        batch_op.create_index(
            "ix_redemption_partners",
            ["owner_id", "id"],
            unique=False,
            sqlite_where=sa.text("owner_id <> 'own_merchant'"),
            postgresql_where=sa.text("owner_id <> 'own_merchant'"),
        )
        batch_op.create_index("ix_redemption_customer_id", ["customer_id", "id"], unique=False)
        batch_op.create_index("ix_redemption_receipt", ["shop_id", "order_ref", "coupon_id"], unique=False)
        batch_op.create_index("ix_redemption_shop_id", ["shop_id", "id"], unique=False)
        batch_op.create_index(
            "uq_redemption_live",
            ["coupon_id"],
            unique=True,
            sqlite_where=sa.text("status = 'redeemed'"),
            postgresql_where=sa.text("status = 'redeemed'"),
        )

    op.create_table(
        "redemption_conflict",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("owner_id", sa.String(length=40), nullable=False),
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
            "owner_id",
            "shop_id",
            "order_ref",
            "coupon_id",
            name=op.f("uq_redemption_conflict_owner_id_shop_id_order_ref_coupon_id"),
        ),
    )
    with op.batch_alter_table("redemption_conflict", schema=None) as batch_op:
        batch_op.create_index("ix_redemption_conflict_shop_id", ["shop_id", "id"], unique=False)

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
    with op.batch_alter_table("redemption_key", schema=None) as batch_op:
        batch_op.create_index(
            "uq_redemption_key_active",
            ["active"],
            unique=True,
            sqlite_where=sa.text("retired_at IS NULL"),
            postgresql_where=sa.text("retired_at IS NULL"),
        )

    op.create_table(
        "redemption_token",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("owner_id", sa.String(length=40), nullable=False),
        sa.Column("coupon_id", sa.String(length=40), nullable=False),
        sa.Column("customer_id", sa.String(length=200), nullable=False),
        sa.Column("short_code", sa.String(length=16), nullable=False),
        sa.Column("token", sa.Text(), nullable=False),
        sa.Column("issued_at", types.UtcDateTime(length=27), nullable=False),
        sa.Column("expires_at", types.UtcDateTime(length=27), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_redemption_token")),
        sa.UniqueConstraint("short_code", name=op.f("uq_redemption_token_short_code")),
    )
    with op.batch_alter_table("redemption_token", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_redemption_token_coupon_id"), ["coupon_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_redemption_token_expires_at"), ["expires_at"], unique=False)

    op.create_table(
        "refund",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("owner_id", sa.String(length=40), nullable=False),
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
        sa.Column("outcome", types.JsonType, nullable=False),
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
        sa.CheckConstraint("amount > 0", name=op.f("ck_refund_share_amount")),
        sa.PrimaryKeyConstraint("refund_id", "line_id", "source", name=op.f("pk_refund_share")),
    )
    with op.batch_alter_table("refund_share", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_refund_share_checkout_id"), ["checkout_id"], unique=False)

    op.create_table(
        "segment_member",
        sa.Column("segment_id", sa.String(length=40), nullable=False),
        sa.Column("customer_id", sa.String(length=200), nullable=False),
        sa.Column("member", sa.Boolean(), nullable=False),
        sa.Column("changed_at", types.UtcDateTime(length=27), nullable=False),
        sa.PrimaryKeyConstraint("segment_id", "customer_id", name=op.f("pk_segment_member")),
    )
    with op.batch_alter_table("segment_member", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_segment_member_customer_id"), ["customer_id"], unique=False)

    op.create_table(
        "share",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("owner_id", sa.String(length=40), nullable=False),
        sa.Column("offer_id", sa.String(length=40), nullable=False),
        sa.Column("customer_id", sa.String(length=200), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("token", sa.String(length=40), nullable=False),
        sa.Column("friends", sa.Integer(), nullable=False),
        sa.Column("helps", sa.Integer(), nullable=False),
        sa.Column("reward_coupon_id", sa.String(length=40), nullable=True),
        sa.Column("reward_refused", sa.String(length=64), nullable=True),
        sa.Column("expires_at", types.UtcDateTime(length=27), nullable=False),
        sa.Column("created_at", types.UtcDateTime(length=27), nullable=False),
        sa.Column("updated_at", types.UtcDateTime(length=27), nullable=False),
        sa.CheckConstraint(
            "(helps = friends) = (reward_coupon_id IS NOT NULL OR reward_refused IS NOT NULL)",
            name=op.f("ck_share_reward"),
        ),
        sa.CheckConstraint("helps >= 0 AND helps <= friends", name=op.f("ck_share_helps")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_share")),
        sa.UniqueConstraint("offer_id", "customer_id", "seq", name=op.f("uq_share_offer_id_customer_id_seq")),
        sa.UniqueConstraint("token", name=op.f("uq_share_token")),
    )
    with op.batch_alter_table("share", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_share_customer_id_id"), ["customer_id", "id"], unique=False)

    op.create_table(
        "share_help",
        sa.Column("share_id", sa.String(length=40), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("offer_id", sa.String(length=40), nullable=False),
        sa.Column("sharer_id", sa.String(length=200), nullable=False),
        sa.Column("customer_id", sa.String(length=200), nullable=False),
        sa.Column("coupon_id", sa.String(length=40), nullable=True),
        sa.Column("refused", sa.String(length=64), nullable=True),
        sa.Column("created_at", types.UtcDateTime(length=27), nullable=False),
        sa.PrimaryKeyConstraint("share_id", "position", name=op.f("pk_share_help")),
        sa.UniqueConstraint(
            "offer_id", "sharer_id", "customer_id", name=op.f("uq_share_help_offer_id_sharer_id_customer_id")
        ),
    )
    op.create_table(
        "share_offer",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("owner_id", sa.String(length=40), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("reward_template_id", sa.String(length=40), nullable=False),
        sa.Column("friend_template_id", sa.String(length=40), nullable=True),
        sa.Column("friends", sa.Integer(), nullable=False),
        sa.Column("window_hours", sa.Integer(), nullable=False),
        sa.Column("per_customer", sa.Integer(), nullable=False),
        sa.Column("new_customer_days", sa.Integer(), nullable=True),
        sa.Column("created_at", types.UtcDateTime(length=27), nullable=False),
        sa.Column("updated_at", types.UtcDateTime(length=27), nullable=False),
        sa.CheckConstraint("status IN ('active', 'paused')", name=op.f("ck_share_offer_status")),
        sa.CheckConstraint(
            "friends >= 1 AND per_customer >= 1 AND window_hours >= 1", name=op.f("ck_share_offer_positive")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_share_offer")),
    )
    op.create_table(
        "template",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("owner_id", sa.String(length=40), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("terms_version", sa.Integer(), nullable=False),
        sa.Column("total", sa.BigInteger(), nullable=True),
        sa.Column("per_customer", sa.BigInteger(), nullable=True),
        sa.Column("per_day", sa.BigInteger(), nullable=True),
        sa.Column("budget", sa.BigInteger(), nullable=True),
        sa.Column("budget_on", sa.String(length=16), nullable=False),
        sa.Column("visible_in_centre", sa.Boolean(), nullable=False),
        sa.Column("ends_at", types.UtcDateTime(length=27), nullable=True),
        sa.Column("cash_back_of", sa.String(length=40), nullable=True),
        sa.Column("issued", sa.BigInteger(), nullable=False),
        sa.Column("budget_spent", sa.BigInteger(), nullable=False),
        sa.Column("granted_by", sa.String(length=40), nullable=True),
        sa.Column("created_at", types.UtcDateTime(length=27), nullable=False),
        sa.Column("updated_at", types.UtcDateTime(length=27), nullable=False),
        sa.CheckConstraint("budget_on IN ('issue', 'redemption')", name=op.f("ck_template_budget_on")),
        sa.CheckConstraint("kind IN ('coupon', 'promotion')", name=op.f("ck_template_kind")),
        sa.CheckConstraint("status IN ('draft', 'active', 'paused', 'ended')", name=op.f("ck_template_status")),
        sa.CheckConstraint(
            "budget_spent >= 0 AND (budget IS NULL OR budget_spent <= budget)", name=op.f("ck_template_within_budget")
        ),
        sa.CheckConstraint("issued >= 0 AND (total IS NULL OR issued <= total)", name=op.f("ck_template_within_total")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_template")),
    )
    with op.batch_alter_table("template", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_template_kind_status_id"), ["kind", "status", "id"], unique=False)
        batch_op.create_index("uq_template_cash_back_of", ["cash_back_of"], unique=True)

    op.create_table(
        "template_day",
        sa.Column("template_id", sa.String(length=40), nullable=False),
        sa.Column("day", sa.String(length=10), nullable=False),
        sa.Column("issued", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("issued >= 0", name=op.f("ck_template_day_not_negative")),
        sa.PrimaryKeyConstraint("template_id", "day", name=op.f("pk_template_day")),
    )
    op.create_table(
        "template_terms",
        sa.Column("template_id", sa.String(length=40), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("terms", types.JsonType, nullable=False),
        sa.Column("created_at", types.UtcDateTime(length=27), nullable=False),
        sa.PrimaryKeyConstraint("template_id", "version", name=op.f("pk_template_terms")),
    )
    op.create_table(
        "velocity_log",
        sa.Column("rule_id", sa.String(length=40), nullable=False),
        sa.Column("value", sa.String(length=200), nullable=False),
        sa.Column("moments", sa.Text(), nullable=False),
        sa.Column("expires_at", types.UtcDateTime(length=27), nullable=False),
        sa.PrimaryKeyConstraint("rule_id", "value", name=op.f("pk_velocity_log")),
    )
    with op.batch_alter_table("velocity_log", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_velocity_log_expires_at"), ["expires_at"], unique=False)

    op.create_table(
        "velocity_rule",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("subject", sa.String(length=16), nullable=False),
        sa.Column("action", sa.String(length=16), nullable=False),
        sa.Column("most", sa.Integer(), nullable=False),
        sa.Column("window_seconds", sa.Integer(), nullable=False),
        sa.Column("effect", sa.String(length=16), nullable=False),
        sa.Column("created_by", sa.String(length=40), nullable=False),
        sa.Column("created_at", types.UtcDateTime(length=27), nullable=False),
        sa.Column("updated_at", types.UtcDateTime(length=27), nullable=False),
        sa.CheckConstraint("effect IN ('refuse', 'review')", name=op.f("ck_velocity_rule_effect")),
        sa.CheckConstraint("subject IN ('customer', 'device', 'address')", name=op.f("ck_velocity_rule_subject")),
        sa.CheckConstraint("most >= 1 AND window_seconds >= 1", name=op.f("ck_velocity_rule_positive")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_velocity_rule")),
    )


def downgrade() -> None:
    for name in _TABLES:
        op.drop_table(name)


_TABLES = (
    "abuse_case",
    "abuse_case_coupon",
    "abuse_cursor",
    "abuse_failure",
    "abuse_share",
    "abuse_sighting",
    "abuse_version",
    "cash_back",
    "checkout",
    "checkout_coupon",
    "checkout_line",
    "checkout_promotion",
    "claim_code",
    "claim_scan",
    "code",
    "code_batch",
    "completed_order",
    "coupon",
    "coupon_entry",
    "coupon_job",
    "coupon_pack",
    "customer",
    "denial",
    "discount_share",
    "draw",
    "draw_prize",
    "draw_ticket",
    "idempotency",
    "inbox",
    "issue_request",
    "issue_target",
    "order_message",
    "outbox",
    "pack_claim",
    "promotion_entry",
    "public_code",
    "public_code_use",
    "quota_lease",
    "redemption",
    "redemption_conflict",
    "redemption_key",
    "redemption_token",
    "refund",
    "refund_line",
    "refund_share",
    "segment_member",
    "share",
    "share_help",
    "share_offer",
    "template",
    "template_day",
    "template_terms",
    "velocity_log",
    "velocity_rule",
)
