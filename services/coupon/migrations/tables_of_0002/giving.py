"""What gives coupons out: leases, packs, codes, sharing, scanning, draws."""

import sqlalchemy as sa
from alembic import op

from shared.db import types


def wallet() -> None:
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
    op.create_index(op.f("ix_quota_lease_expires_at"), "quota_lease", ["expires_at"])


def packs() -> None:
    op.create_table(
        "coupon_pack",
        sa.Column("id", sa.String(length=40), nullable=False),
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
    op.create_index(op.f("ix_coupon_pack_auto_on_status"), "coupon_pack", ["auto_on", "status"])
    op.create_table(
        "pack_claim",
        sa.Column("id", sa.String(length=40), nullable=False),
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
    op.create_index(op.f("ix_pack_claim_pack_id_id"), "pack_claim", ["pack_id", "id"])


def codes() -> None:
    op.create_table(
        "public_code",
        sa.Column("id", sa.String(length=40), nullable=False),
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
    op.create_index(op.f("ix_public_code_template_id_id"), "public_code", ["template_id", "id"])
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
        "code_batch",
        sa.Column("id", sa.String(length=40), nullable=False),
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
    op.create_index(op.f("ix_code_batch_status_id"), "code_batch", ["status", "id"])
    op.create_index(op.f("ix_code_batch_template_id_id"), "code_batch", ["template_id", "id"])
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
    op.create_index(
        "ix_code_used",
        "code",
        ["batch_id"],
        sqlite_where=sa.text("coupon_id IS NOT NULL"),
        postgresql_where=sa.text("coupon_id IS NOT NULL"),
    )


def sharing() -> None:
    op.create_table(
        "share_offer",
        sa.Column("id", sa.String(length=40), nullable=False),
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
        "share",
        sa.Column("id", sa.String(length=40), nullable=False),
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
    op.create_index(op.f("ix_share_customer_id_id"), "share", ["customer_id", "id"])
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


def scanning() -> None:
    op.create_table(
        "claim_code",
        sa.Column("id", sa.String(length=40), nullable=False),
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
    op.create_index(op.f("ix_claim_code_shop_id_id"), "claim_code", ["shop_id", "id"])
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
    op.create_index(op.f("ix_claim_scan_day_shop_id"), "claim_scan", ["day", "shop_id"])


def draws() -> None:
    op.create_table(
        "draw",
        sa.Column("id", sa.String(length=40), nullable=False),
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
        sa.UniqueConstraint("draw_id", "ticket_ref", name=op.f("uq_draw_ticket_draw_id_ticket_ref")),
    )
