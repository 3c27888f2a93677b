"""What uses coupons up and watches over it: facts about customers, orders, refunds, stores, abuse."""

import sqlalchemy as sa
from alembic import op

from shared.db import types


def audience() -> None:
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
        "completed_order",
        sa.Column("order_id", sa.String(length=200), nullable=False),
        sa.Column("customer_id", sa.String(length=200), nullable=False),
        sa.Column("completed_at", types.UtcDateTime(length=27), nullable=False),
        sa.PrimaryKeyConstraint("order_id", name=op.f("pk_completed_order")),
    )
    op.create_index(op.f("ix_completed_order_customer_id"), "completed_order", ["customer_id"])


def checkout() -> None:
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
    op.create_index(op.f("ix_checkout_promotion_promotion_id_state"), "checkout_promotion", ["promotion_id", "state"])
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
    op.create_index(op.f("ix_promotion_entry_promotion_id"), "promotion_entry", ["promotion_id"])
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
    op.create_index(op.f("ix_cash_back_customer_id_id"), "cash_back", ["customer_id", "id"])
    op.create_index(op.f("ix_cash_back_order_id"), "cash_back", ["order_id"])
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
    op.create_index(op.f("ix_order_message_order_id_id"), "order_message", ["order_id", "id"])
    op.create_index(op.f("ix_order_message_outcome_id"), "order_message", ["outcome", "id"])


def refunds() -> None:
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
        sa.Column("outcome", types.JsonType, nullable=False),
        sa.Column("actor", sa.String(length=255), nullable=False),
        sa.Column("created_at", types.UtcDateTime(length=27), nullable=False),
        sa.CheckConstraint("policy IN ('keep', 'clawback')", name=op.f("ck_refund_policy")),
        sa.CheckConstraint("amount >= 0 AND points >= 0", name=op.f("ck_refund_amount")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_refund")),
    )
    op.create_index("uq_refund_checkout_id_number", "refund", ["checkout_id", "number"], unique=True)
    op.create_index("uq_refund_checkout_id_refund_id", "refund", ["checkout_id", "refund_id"], unique=True)
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
    op.create_index(op.f("ix_refund_line_checkout_id"), "refund_line", ["checkout_id"])
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
    op.create_index(op.f("ix_refund_share_checkout_id"), "refund_share", ["checkout_id"])


def redemption() -> None:
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


def abuse() -> None:
    op.create_table(
        "abuse_failure",
        sa.Column("subject", sa.String(length=16), nullable=False),
        sa.Column("value", sa.String(length=64), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("until", types.UtcDateTime(length=27), nullable=False),
        sa.CheckConstraint("failures >= 1", name=op.f("ck_abuse_failure_counted")),
        sa.PrimaryKeyConstraint("subject", "value", name=op.f("pk_abuse_failure")),
    )
    op.create_index(op.f("ix_abuse_failure_until"), "abuse_failure", ["until"])
    op.create_table(
        "abuse_version",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_abuse_version")),
    )
    op.create_table(
        "abuse_cursor",
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("position", sa.String(length=40), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_abuse_cursor")),
    )
    op.create_table(
        "abuse_sighting",
        sa.Column("subject", sa.String(length=16), nullable=False),
        sa.Column("value", sa.String(length=64), nullable=False),
        sa.Column("customer_id", sa.String(length=200), nullable=False),
        sa.Column("coupons", sa.BigInteger(), nullable=False),
        sa.Column("last_at", types.UtcDateTime(length=27), nullable=False),
        sa.PrimaryKeyConstraint("subject", "value", "customer_id", name=op.f("pk_abuse_sighting")),
    )
    op.create_index(op.f("ix_abuse_sighting_last_at"), "abuse_sighting", ["last_at"])
    op.create_table(
        "abuse_share",
        sa.Column("template_id", sa.String(length=40), nullable=False),
        sa.Column("device", sa.String(length=64), nullable=False),
        sa.Column("coupons", sa.BigInteger(), nullable=False),
        sa.Column("last_at", types.UtcDateTime(length=27), nullable=False),
        sa.PrimaryKeyConstraint("template_id", "device", name=op.f("pk_abuse_share")),
    )
    op.create_index(op.f("ix_abuse_share_last_at"), "abuse_share", ["last_at"])
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
    op.create_table(
        "velocity_log",
        sa.Column("rule_id", sa.String(length=40), nullable=False),
        sa.Column("value", sa.String(length=200), nullable=False),
        sa.Column("moments", sa.Text(), nullable=False),
        sa.Column("expires_at", types.UtcDateTime(length=27), nullable=False),
        sa.PrimaryKeyConstraint("rule_id", "value", name=op.f("pk_velocity_log")),
    )
    op.create_index(op.f("ix_velocity_log_expires_at"), "velocity_log", ["expires_at"])
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
    op.create_index("uq_denial_subject_value", "denial", ["subject", "value"], unique=True)
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
    op.create_index("ix_abuse_case_status", "abuse_case", ["status", "id"])
    op.create_index("ix_abuse_case_subject", "abuse_case", ["subject", "value", "id"])
    op.create_index(
        "uq_abuse_case_open",
        "abuse_case",
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
    op.create_index(op.f("ix_abuse_case_coupon_customer_id"), "abuse_case_coupon", ["customer_id"])
