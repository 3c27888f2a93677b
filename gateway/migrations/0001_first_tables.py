"""The first tables of the gateway.

Revision: 0001, the first.
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
        "account_links",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("account_id", sa.String(length=40), nullable=True),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("created_at", types.UtcDateTime(length=27), nullable=False),
        sa.Column("created_by", sa.String(length=40), nullable=True),
        sa.Column("expires_at", types.UtcDateTime(length=27), nullable=False),
        sa.Column("used_at", types.UtcDateTime(length=27), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_account_links")),
        sa.UniqueConstraint("digest", name=op.f("uq_account_links_digest")),
    )
    with op.batch_alter_table("account_links", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_account_links_expires_at"), ["expires_at"], unique=False)
        batch_op.create_index(
            "uq_account_links_open",
            ["account_id"],
            unique=True,
            postgresql_where=sa.text("used_at IS NULL"),
            sqlite_where=sa.text("used_at IS NULL"),
        )

    op.create_table(
        "account_policy",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("require_second_factor", sa.Boolean(), nullable=False),
        sa.Column("changed_at", types.UtcDateTime(length=27), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_account_policy_one")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_account_policy")),
    )
    op.create_table(
        "account_recovery_codes",
        sa.Column("account_id", sa.String(length=40), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("used_at", types.UtcDateTime(length=27), nullable=True),
        sa.PrimaryKeyConstraint("account_id", "digest", name=op.f("pk_account_recovery_codes")),
    )
    op.create_table(
        "accounts",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("login", sa.String(length=120), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("role", sa.String(length=20), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("password", sa.String(length=300), nullable=True),
        sa.Column("password_since", types.UtcDateTime(length=27), nullable=True),
        sa.Column("factor", sa.LargeBinary(), nullable=True),
        sa.Column("factor_since", types.UtcDateTime(length=27), nullable=True),
        sa.Column("factor_wanted", sa.LargeBinary(), nullable=True),
        sa.Column("factor_step", sa.Integer(), nullable=True),
        sa.Column("created_at", types.UtcDateTime(length=27), nullable=False),
        sa.Column("created_by", sa.String(length=40), nullable=True),
        sa.Column("disabled_at", types.UtcDateTime(length=27), nullable=True),
        sa.Column("last_sign_in_at", types.UtcDateTime(length=27), nullable=True),
        sa.CheckConstraint(
            "role IN ('viewer', 'marketer', 'stock_keeper', 'developer', 'administrator')",
            name=op.f("ck_accounts_role"),
        ),
        sa.CheckConstraint("(factor IS NULL) = (factor_since IS NULL)", name=op.f("ck_accounts_factor")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_accounts")),
        sa.UniqueConstraint("login", name=op.f("uq_accounts_login")),
    )
    op.create_table(
        "api_keys",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("owner_id", sa.String(length=40), nullable=False),
        sa.Column("lineage_id", sa.String(length=40), nullable=False),
        sa.Column("maker_id", sa.String(length=40), nullable=True),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("hint", sa.String(length=20), nullable=False),
        sa.Column("scopes", types.JsonType, nullable=False),
        sa.Column("limits", types.JsonType, nullable=True),
        sa.Column("allowed_ips", types.JsonType, nullable=False),
        sa.Column("shop_id", sa.String(length=200), nullable=True),
        sa.Column("signing_secrets", types.JsonType, nullable=False),
        sa.Column("require_signature", sa.Boolean(), nullable=False),
        sa.Column("created_by", sa.String(length=40), nullable=True),
        sa.Column("created_at", types.UtcDateTime(length=27), nullable=False),
        sa.Column("changed_at", types.UtcDateTime(length=27), nullable=False),
        sa.Column("expires_at", types.UtcDateTime(length=27), nullable=True),
        sa.Column("rotated_at", types.UtcDateTime(length=27), nullable=True),
        sa.Column("successor_id", sa.String(length=40), nullable=True),
        sa.Column("revoked_at", types.UtcDateTime(length=27), nullable=True),
        sa.Column("last_used_at", types.UtcDateTime(length=27), nullable=True),
        sa.CheckConstraint("kind IN ('secret', 'restricted', 'publishable', 'partner')", name=op.f("ck_api_keys_kind")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_keys")),
        sa.UniqueConstraint("digest", name=op.f("uq_api_keys_digest")),
    )
    with op.batch_alter_table("api_keys", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_api_keys_changed_at"), ["changed_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_api_keys_lineage_id"), ["lineage_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_api_keys_maker_id"), ["maker_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_api_keys_owner_id_created_at"), ["owner_id", "created_at"], unique=False)

    op.create_table(
        "audit_chain",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("base_seq", sa.BigInteger(), nullable=False),
        sa.Column("base_hash", sa.String(length=64), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_audit_chain_one")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_chain")),
    )
    op.create_table(
        "audit_log",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("at", types.UtcDateTime(length=27), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("open", sa.Boolean(), nullable=False),
        sa.Column("actor", sa.String(length=60), nullable=True),
        sa.Column("owner_id", sa.String(length=40), nullable=True),
        sa.Column("action", sa.String(length=120), nullable=False),
        sa.Column("object_id", sa.String(length=200), nullable=False),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("address", sa.String(length=60), nullable=True),
        sa.Column("request_id", sa.String(length=100), nullable=True),
        sa.Column("detail", types.JsonType, nullable=False),
        sa.Column("before", types.JsonType, nullable=True),
        sa.Column("after", types.JsonType, nullable=True),
        sa.Column("seq", sa.BigInteger(), nullable=True),
        sa.Column("previous", sa.String(length=64), nullable=True),
        sa.Column("hash", sa.String(length=64), nullable=True),
        sa.CheckConstraint("kind IN ('call', 'fact')", name=op.f("ck_audit_log_kind")),
        sa.CheckConstraint("(seq IS NULL) = (hash IS NULL)", name=op.f("ck_audit_log_chained")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_log")),
        sa.UniqueConstraint("seq", name=op.f("uq_audit_log_seq")),
    )
    with op.batch_alter_table("audit_log", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_audit_log_actor"), ["actor"], unique=False)
        batch_op.create_index(batch_op.f("ix_audit_log_object_id"), ["object_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_audit_log_owner_id"), ["owner_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_audit_log_request_id"), ["request_id"], unique=False)
        batch_op.create_index(
            "ix_audit_log_unchained",
            ["id"],
            unique=False,
            postgresql_where=sa.text("seq IS NULL"),
            sqlite_where=sa.text("seq IS NULL"),
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
        "limit_counts",
        sa.Column("bucket", sa.String(length=250), nullable=False),
        sa.Column("calls", sa.BigInteger(), nullable=False),
        sa.Column("ends_at", types.UtcDateTime(length=27), nullable=False),
        sa.PrimaryKeyConstraint("bucket", name=op.f("pk_limit_counts")),
    )
    with op.batch_alter_table("limit_counts", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_limit_counts_ends_at"), ["ends_at"], unique=False)

    op.create_table(
        "operator_sessions",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("account_id", sa.String(length=40), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("stage", sa.String(length=20), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("address", sa.String(length=60), nullable=False),
        sa.Column("browser", sa.String(length=200), nullable=False),
        sa.Column("created_at", types.UtcDateTime(length=27), nullable=False),
        sa.Column("last_used_at", types.UtcDateTime(length=27), nullable=False),
        sa.Column("expires_at", types.UtcDateTime(length=27), nullable=False),
        sa.Column("ended_at", types.UtcDateTime(length=27), nullable=True),
        sa.CheckConstraint("stage IN ('full', 'second_factor')", name=op.f("ck_operator_sessions_stage")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_operator_sessions")),
        sa.UniqueConstraint("digest", name=op.f("uq_operator_sessions_digest")),
    )
    with op.batch_alter_table("operator_sessions", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_operator_sessions_account_id"), ["account_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_operator_sessions_expires_at"), ["expires_at"], unique=False)

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
        "replicas",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("seen_at", types.UtcDateTime(length=27), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_replicas")),
    )
    op.create_table(
        "request_nonces",
        sa.Column("lineage_id", sa.String(length=40), nullable=False),
        sa.Column("nonce", sa.String(length=64), nullable=False),
        sa.Column("used_at", types.UtcDateTime(length=27), nullable=False),
        sa.PrimaryKeyConstraint("lineage_id", "nonce", name=op.f("pk_request_nonces")),
    )
    with op.batch_alter_table("request_nonces", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_request_nonces_used_at"), ["used_at"], unique=False)

    op.create_table(
        "sign_in_guesses",
        sa.Column("subject", sa.String(length=80), nullable=False),
        sa.Column("wrong", sa.Integer(), nullable=False),
        sa.Column("last_at", types.UtcDateTime(length=27), nullable=False),
        sa.PrimaryKeyConstraint("subject", name=op.f("pk_sign_in_guesses")),
    )
    with op.batch_alter_table("sign_in_guesses", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_sign_in_guesses_last_at"), ["last_at"], unique=False)

    op.create_table(
        "usage_counts",
        sa.Column("day", sa.String(length=10), nullable=False),
        sa.Column("key_id", sa.String(length=40), nullable=False),
        sa.Column("route", sa.String(length=160), nullable=False),
        sa.Column("owner_id", sa.String(length=40), nullable=False),
        sa.Column("succeeded", sa.BigInteger(), nullable=False),
        sa.Column("refused", sa.BigInteger(), nullable=False),
        sa.Column("limited", sa.BigInteger(), nullable=False),
        sa.Column("failed", sa.BigInteger(), nullable=False),
        sa.Column("unanswered", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("day", "key_id", "route", name=op.f("pk_usage_counts")),
    )
    with op.batch_alter_table("usage_counts", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_usage_counts_owner_id_day"), ["owner_id", "day"], unique=False)

    op.create_table(
        "webhook_endpoints",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("owner_id", sa.String(length=40), nullable=False),
        sa.Column("url", sa.String(length=2000), nullable=False),
        sa.Column("events", types.JsonType, nullable=False),
        sa.Column("scopes", types.JsonType, nullable=False),
        sa.Column("description", sa.String(length=500), nullable=True),
        sa.Column("secrets", types.JsonType, nullable=False),
        sa.Column("signing_keys", types.JsonType, nullable=False),
        sa.Column("public_key", sa.String(length=60), nullable=True),
        sa.Column("conditions", types.JsonType, nullable=False),
        sa.Column("payload", sa.String(length=10), nullable=False),
        sa.Column("headers", sa.LargeBinary(), nullable=True),
        sa.Column("header_names", types.JsonType, nullable=False),
        sa.Column("max_in_flight", sa.Integer(), nullable=True),
        sa.Column("rate_per_second", sa.Integer(), nullable=True),
        sa.Column("paced_until", types.UtcDateTime(length=27), nullable=True),
        sa.Column("status", sa.String(length=20), nullable=False),
        sa.Column("disabled_reason", sa.String(length=40), nullable=True),
        sa.Column("standing", sa.String(length=20), nullable=False),
        sa.Column("failing_since", types.UtcDateTime(length=27), nullable=True),
        sa.Column("paused_until", types.UtcDateTime(length=27), nullable=True),
        sa.Column("created_at", types.UtcDateTime(length=27), nullable=False),
        sa.Column("changed_at", types.UtcDateTime(length=27), nullable=False),
        sa.CheckConstraint("payload IN ('full', 'thin')", name=op.f("ck_webhook_endpoints_payload")),
        sa.CheckConstraint("standing IN ('quick', 'slow', 'unproven')", name=op.f("ck_webhook_endpoints_standing")),
        sa.CheckConstraint("status IN ('enabled', 'disabled', 'deleted')", name=op.f("ck_webhook_endpoints_status")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhook_endpoints")),
    )
    with op.batch_alter_table("webhook_endpoints", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_webhook_endpoints_owner_id"), ["owner_id"], unique=False)

    op.create_table(
        "webhook_events",
        sa.Column("id", sa.String(length=80), nullable=False),
        sa.Column("type", sa.String(length=80), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", types.UtcDateTime(length=27), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhook_events")),
    )
    with op.batch_alter_table("webhook_events", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_webhook_events_created_at"), ["created_at"], unique=False)

    op.create_table(
        "webhook_sources",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("owner_id", sa.String(length=40), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("scheme", sa.String(length=40), nullable=False),
        sa.Column("secrets", types.JsonType, nullable=False),
        sa.Column("maps_to", types.JsonType, nullable=False),
        sa.Column("status", sa.String(length=20), nullable=False),
        sa.Column("signature_failures", sa.Integer(), nullable=False),
        sa.Column("last_failure_at", types.UtcDateTime(length=27), nullable=True),
        sa.Column("last_failure", sa.String(length=200), nullable=True),
        sa.Column("created_at", types.UtcDateTime(length=27), nullable=False),
        sa.Column("changed_at", types.UtcDateTime(length=27), nullable=False),
        sa.CheckConstraint("status IN ('active', 'paused', 'deleted')", name=op.f("ck_webhook_sources_status")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhook_sources")),
    )
    with op.batch_alter_table("webhook_sources", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_webhook_sources_owner_id"), ["owner_id"], unique=False)

    op.create_table(
        "webhook_deliveries",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("endpoint_id", sa.String(length=40), nullable=False),
        sa.Column("event_id", sa.String(length=80), nullable=False),
        sa.Column("event_type", sa.String(length=80), nullable=False),
        sa.Column("thin", sa.Boolean(), nullable=False),
        sa.Column("status", sa.String(length=20), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("next_attempt_at", types.UtcDateTime(length=27), nullable=True),
        sa.Column("lease", sa.String(length=40), nullable=True),
        sa.Column("lease_until", types.UtcDateTime(length=27), nullable=True),
        sa.Column("replayed_at", types.UtcDateTime(length=27), nullable=True),
        sa.Column("last_status", sa.Integer(), nullable=True),
        sa.Column("last_error", sa.String(length=300), nullable=True),
        sa.Column("created_at", types.UtcDateTime(length=27), nullable=False),
        sa.Column("finished_at", types.UtcDateTime(length=27), nullable=True),
        sa.CheckConstraint(
            "status IN ('pending', 'held', 'delivered', 'failed')", name=op.f("ck_webhook_deliveries_status")
        ),
        sa.ForeignKeyConstraint(
            ["endpoint_id"], ["webhook_endpoints.id"], name=op.f("fk_webhook_deliveries_endpoint_id")
        ),
        sa.ForeignKeyConstraint(["event_id"], ["webhook_events.id"], name=op.f("fk_webhook_deliveries_event_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhook_deliveries")),
        sa.UniqueConstraint("endpoint_id", "event_id", name=op.f("uq_webhook_deliveries_endpoint_id_event_id")),
    )
    with op.batch_alter_table("webhook_deliveries", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_webhook_deliveries_endpoint_id_status_created_at"),
            ["endpoint_id", "status", "created_at"],
            unique=False,
        )
        batch_op.create_index(
            batch_op.f("ix_webhook_deliveries_endpoint_id_status_next_attempt_at"),
            ["endpoint_id", "status", "next_attempt_at"],
            unique=False,
        )
        batch_op.create_index(batch_op.f("ix_webhook_deliveries_event_id"), ["event_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_webhook_deliveries_finished_at"), ["finished_at"], unique=False)

    op.create_table(
        "webhook_received",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("source_id", sa.String(length=40), nullable=False),
        sa.Column("delivery_id", sa.String(length=200), nullable=False),
        sa.Column("outcome", sa.String(length=20), nullable=False),
        sa.Column("code", sa.String(length=60), nullable=True),
        sa.Column("detail", sa.String(length=500), nullable=True),
        sa.Column("their_type", sa.String(length=100), nullable=True),
        sa.Column("event_type", sa.String(length=80), nullable=True),
        sa.Column("order_id", sa.String(length=200), nullable=True),
        sa.Column("message_id", sa.String(length=40), nullable=True),
        sa.Column("body_hash", sa.String(length=16), nullable=False),
        sa.Column("times", sa.Integer(), nullable=False),
        sa.Column("received_at", types.UtcDateTime(length=27), nullable=False),
        sa.Column("last_at", types.UtcDateTime(length=27), nullable=False),
        sa.Column("replayed_at", types.UtcDateTime(length=27), nullable=True),
        sa.CheckConstraint(
            "outcome IN ('accepted', 'ignored', 'refused', 'paused')", name=op.f("ck_webhook_received_outcome")
        ),
        sa.ForeignKeyConstraint(["source_id"], ["webhook_sources.id"], name=op.f("fk_webhook_received_source_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhook_received")),
        sa.UniqueConstraint("source_id", "delivery_id", name=op.f("uq_webhook_received_source_id_delivery_id")),
    )
    with op.batch_alter_table("webhook_received", schema=None) as batch_op:
        batch_op.create_index(
            "ix_webhook_received_failed",
            ["source_id", "received_at"],
            unique=False,
            postgresql_where=sa.text("outcome != 'accepted'"),
            sqlite_where=sa.text("outcome != 'accepted'"),
        )
        batch_op.create_index(batch_op.f("ix_webhook_received_last_at"), ["last_at"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_webhook_received_source_id_order_id"), ["source_id", "order_id"], unique=False
        )

    op.create_table(
        "webhook_bodies",
        sa.Column("source_id", sa.String(length=40), nullable=False),
        sa.Column("delivery_id", sa.String(length=200), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("kept_at", types.UtcDateTime(length=27), nullable=False),
        sa.ForeignKeyConstraint(
            ["source_id", "delivery_id"],
            ["webhook_received.source_id", "webhook_received.delivery_id"],
            name=op.f("fk_webhook_bodies_source_id_delivery_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("source_id", "delivery_id", name=op.f("pk_webhook_bodies")),
    )
    with op.batch_alter_table("webhook_bodies", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_webhook_bodies_kept_at"), ["kept_at"], unique=False)

    op.create_table(
        "webhook_attempts",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("delivery_id", sa.String(length=40), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("at", types.UtcDateTime(length=27), nullable=False),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("milliseconds", sa.Integer(), nullable=False),
        sa.Column("error", sa.String(length=300), nullable=True),
        sa.Column("answer", sa.String(length=1100), nullable=True),
        sa.Column("head", types.JsonType, nullable=True),
        sa.ForeignKeyConstraint(
            ["delivery_id"], ["webhook_deliveries.id"], name=op.f("fk_webhook_attempts_delivery_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhook_attempts")),
    )
    with op.batch_alter_table("webhook_attempts", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_webhook_attempts_delivery_id"), ["delivery_id"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("webhook_attempts", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_webhook_attempts_delivery_id"))

    op.drop_table("webhook_attempts")
    with op.batch_alter_table("webhook_bodies", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_webhook_bodies_kept_at"))

    op.drop_table("webhook_bodies")
    with op.batch_alter_table("webhook_received", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_webhook_received_source_id_order_id"))
        batch_op.drop_index(batch_op.f("ix_webhook_received_last_at"))
        batch_op.drop_index(
            "ix_webhook_received_failed",
            postgresql_where=sa.text("outcome != 'accepted'"),
            sqlite_where=sa.text("outcome != 'accepted'"),
        )

    op.drop_table("webhook_received")
    with op.batch_alter_table("webhook_deliveries", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_webhook_deliveries_finished_at"))
        batch_op.drop_index(batch_op.f("ix_webhook_deliveries_event_id"))
        batch_op.drop_index(batch_op.f("ix_webhook_deliveries_endpoint_id_status_next_attempt_at"))
        batch_op.drop_index(batch_op.f("ix_webhook_deliveries_endpoint_id_status_created_at"))

    op.drop_table("webhook_deliveries")
    with op.batch_alter_table("webhook_sources", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_webhook_sources_owner_id"))

    op.drop_table("webhook_sources")
    with op.batch_alter_table("webhook_events", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_webhook_events_created_at"))

    op.drop_table("webhook_events")
    with op.batch_alter_table("webhook_endpoints", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_webhook_endpoints_owner_id"))

    op.drop_table("webhook_endpoints")
    with op.batch_alter_table("usage_counts", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_usage_counts_owner_id_day"))

    op.drop_table("usage_counts")
    with op.batch_alter_table("sign_in_guesses", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_sign_in_guesses_last_at"))

    op.drop_table("sign_in_guesses")
    op.drop_table("replicas")
    op.drop_table("outbox")
    with op.batch_alter_table("operator_sessions", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_operator_sessions_expires_at"))
        batch_op.drop_index(batch_op.f("ix_operator_sessions_account_id"))

    op.drop_table("operator_sessions")
    with op.batch_alter_table("request_nonces", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_request_nonces_used_at"))

    op.drop_table("request_nonces")
    with op.batch_alter_table("limit_counts", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_limit_counts_ends_at"))

    op.drop_table("limit_counts")
    with op.batch_alter_table("inbox", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_inbox_received_at"))

    op.drop_table("inbox")
    with op.batch_alter_table("idempotency", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_idempotency_created_at"))

    op.drop_table("idempotency")
    with op.batch_alter_table("audit_log", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_audit_log_unchained", postgresql_where=sa.text("seq IS NULL"), sqlite_where=sa.text("seq IS NULL")
        )
        batch_op.drop_index(batch_op.f("ix_audit_log_request_id"))
        batch_op.drop_index(batch_op.f("ix_audit_log_owner_id"))
        batch_op.drop_index(batch_op.f("ix_audit_log_object_id"))
        batch_op.drop_index(batch_op.f("ix_audit_log_actor"))

    op.drop_table("audit_log")
    op.drop_table("audit_chain")
    with op.batch_alter_table("api_keys", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_api_keys_owner_id_created_at"))
        batch_op.drop_index(batch_op.f("ix_api_keys_maker_id"))
        batch_op.drop_index(batch_op.f("ix_api_keys_lineage_id"))
        batch_op.drop_index(batch_op.f("ix_api_keys_changed_at"))

    op.drop_table("api_keys")
    op.drop_table("accounts")
    op.drop_table("account_recovery_codes")
    op.drop_table("account_policy")
    with op.batch_alter_table("account_links", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_account_links_open",
            postgresql_where=sa.text("used_at IS NULL"),
            sqlite_where=sa.text("used_at IS NULL"),
        )
        batch_op.drop_index(batch_op.f("ix_account_links_expires_at"))

    op.drop_table("account_links")
