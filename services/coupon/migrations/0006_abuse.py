"""Rules, deny lists and cases against abuse; where coupons come from

Revision: 0006, after: 0005
"""

import sqlalchemy as sa
from alembic import op

from shared.db import types

revision = "0006"
down_revision = "0005"
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
    op.create_table(
        "abuse_cursor",
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("position", sa.String(length=40), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_abuse_cursor")),
    )
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
        "abuse_version",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_abuse_version")),
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
    op.create_index("uq_denial_subject_value", "denial", ["subject", "value"], unique=True)
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
    op.add_column("coupon", sa.Column("origin_address", sa.String(length=32), nullable=True))
    op.add_column("coupon", sa.Column("origin_device", sa.String(length=32), nullable=True))


def downgrade() -> None:
    op.drop_column("coupon", "origin_device")
    op.drop_column("coupon", "origin_address")
    op.drop_table("velocity_rule")
    op.drop_table("velocity_log")
    op.drop_table("denial")
    op.drop_table("abuse_version")
    op.drop_table("abuse_sighting")
    op.drop_table("abuse_share")
    op.drop_table("abuse_cursor")
    op.drop_table("abuse_case_coupon")
    op.drop_table("abuse_case")
