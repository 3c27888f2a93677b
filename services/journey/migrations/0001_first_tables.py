"""First tables: journeys, runs, effects, history, counters, templates, inboxes."""

import sqlalchemy as sa
from alembic import op

from shared.db import types

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "count_delta",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("journey_id", sa.String(length=40), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("node_id", sa.String(length=64), nullable=False),
        sa.Column("port", sa.String(length=64), nullable=False),
        sa.Column("target", sa.String(length=64), nullable=False),
        sa.Column("minute", types.UtcDateTime(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_count_delta")),
    )
    with op.batch_alter_table("count_delta", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_count_delta_journey_id"), ["journey_id"], unique=False)

    op.create_table(
        "counter",
        sa.Column("journey_id", sa.String(length=40), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("node_id", sa.String(length=64), nullable=False),
        sa.Column("port", sa.String(length=64), nullable=False),
        sa.Column("target", sa.String(length=64), nullable=False),
        sa.Column("minute", types.UtcDateTime(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("journey_id", "kind", "node_id", "port", "target", "minute", name=op.f("pk_counter")),
    )
    op.create_table(
        "customer_traits",
        sa.Column("customer_id", sa.String(length=255), nullable=False),
        sa.Column("traits", types.JsonType, nullable=False),
        sa.Column("vouched", types.JsonType, nullable=False),
        sa.Column("updated_at", types.UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("customer_id", name=op.f("pk_customer_traits")),
    )
    op.create_table(
        "effect",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("owner_id", sa.String(length=40), nullable=False),
        sa.Column("idem_key", sa.String(length=200), nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("journey_id", sa.String(length=40), nullable=False),
        sa.Column("run_id", sa.String(length=40), nullable=False),
        sa.Column("node_id", sa.String(length=64), nullable=False),
        sa.Column("customer_id", sa.String(length=255), nullable=False),
        sa.Column("channel", sa.String(length=20), nullable=True),
        sa.Column("template_id", sa.String(length=64), nullable=True),
        sa.Column("status", sa.String(length=12), nullable=False),
        sa.Column("reason", sa.String(length=300), nullable=True),
        sa.Column("provider_ref", sa.String(length=200), nullable=True),
        sa.Column("payload", types.JsonType, nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("due_at", types.UtcDateTime(), nullable=True),
        sa.Column("created_at", types.UtcDateTime(), nullable=False),
        sa.Column("updated_at", types.UtcDateTime(), nullable=False),
        sa.CheckConstraint("kind IN ('coupon', 'rule', 'message')", name=op.f("ck_effect_kind")),
        sa.CheckConstraint(
            "status IN ('asked', 'planned', 'claimed', 'sent', 'failed', 'unknown', 'suppressed')",
            name=op.f("ck_effect_status"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_effect")),
        sa.UniqueConstraint("idem_key", name=op.f("uq_effect_idem_key")),
    )
    with op.batch_alter_table("effect", schema=None) as batch_op:
        batch_op.create_index(
            "ix_effect_partners",
            ["owner_id", "id"],
            unique=False,
            sqlite_where=sa.text("owner_id <> 'own_merchant'"),
            postgresql_where=sa.text("owner_id <> 'own_merchant'"),
        )
        batch_op.create_index("ix_effect_customer", ["customer_id", "kind", "id"], unique=False)
        batch_op.create_index(
            "ix_effect_due",
            ["due_at"],
            unique=False,
            sqlite_where=sa.text("status IN ('planned', 'claimed')"),
            postgresql_where=sa.text("status IN ('planned', 'claimed')"),
        )
        batch_op.create_index("ix_effect_run", ["run_id"], unique=False)

    op.create_table(
        "enrolment",
        sa.Column("journey_id", sa.String(length=40), nullable=False),
        sa.Column("customer_id", sa.String(length=255), nullable=False),
        sa.Column("entry_key", sa.String(length=255), nullable=False),
        sa.Column("entries", sa.Integer(), nullable=False),
        sa.Column("first_at", types.UtcDateTime(), nullable=False),
        sa.Column("last_at", types.UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("journey_id", "customer_id", "entry_key", name=op.f("pk_enrolment")),
    )
    op.create_table(
        "idempotency",
        sa.Column("owner", sa.String(length=200), nullable=False),
        sa.Column("key", sa.String(length=255), nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("token", sa.String(length=40), nullable=False),
        sa.Column("lease_until", types.UtcDateTime(), nullable=True),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("headers", types.JsonType, nullable=True),
        sa.Column("body", sa.LargeBinary(), nullable=True),
        sa.Column("created_at", types.UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("owner", "key", name=op.f("pk_idempotency")),
    )
    with op.batch_alter_table("idempotency", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_idempotency_created_at"), ["created_at"], unique=False)

    op.create_table(
        "inbox",
        sa.Column("consumer", sa.String(length=80), nullable=False),
        sa.Column("message_id", sa.String(length=80), nullable=False),
        sa.Column("received_at", types.UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("consumer", "message_id", name=op.f("pk_inbox")),
    )
    with op.batch_alter_table("inbox", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_inbox_received_at"), ["received_at"], unique=False)

    op.create_table(
        "inbox_message",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("customer_id", sa.String(length=255), nullable=False),
        sa.Column("journey_id", sa.String(length=40), nullable=False),
        sa.Column("run_id", sa.String(length=40), nullable=False),
        sa.Column("subject", sa.String(), nullable=True),
        sa.Column("body", sa.String(), nullable=False),
        sa.Column("created_at", types.UtcDateTime(), nullable=False),
        sa.Column("read_at", types.UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_inbox_message")),
    )
    with op.batch_alter_table("inbox_message", schema=None) as batch_op:
        batch_op.create_index("ix_inbox_message_customer", ["customer_id", "id"], unique=False)

    op.create_table(
        "interest",
        sa.Column("journey_id", sa.String(length=40), nullable=False),
        sa.Column("event_name", sa.String(length=200), nullable=False),
        sa.Column("key_property", sa.String(length=200), nullable=False),
        sa.PrimaryKeyConstraint("journey_id", "event_name", "key_property", name=op.f("pk_interest")),
    )
    with op.batch_alter_table("interest", schema=None) as batch_op:
        batch_op.create_index("ix_interest_event_name", ["event_name"], unique=False)

    op.create_table(
        "journey",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("owner_id", sa.String(length=40), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("live_version", sa.Integer(), nullable=True),
        sa.Column("entry_kind", sa.String(length=20), nullable=True),
        sa.Column("entry_name", sa.String(length=200), nullable=True),
        sa.Column("created_at", types.UtcDateTime(), nullable=False),
        sa.Column("updated_at", types.UtcDateTime(), nullable=False),
        sa.CheckConstraint("status IN ('draft', 'published', 'paused', 'stopped')", name=op.f("ck_journey_status")),
        sa.CheckConstraint("live_version IS NULL OR live_version <= version", name=op.f("ck_journey_live_version")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_journey")),
    )
    with op.batch_alter_table("journey", schema=None) as batch_op:
        batch_op.create_index("ix_journey_status", ["status"], unique=False)
        batch_op.create_index("ix_journey_trigger", ["entry_kind", "entry_name"], unique=False)

    op.create_table(
        "journey_version",
        sa.Column("journey_id", sa.String(length=40), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("definition", types.JsonType, nullable=False),
        sa.Column("created_at", types.UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("journey_id", "version", name=op.f("pk_journey_version")),
    )
    op.create_table(
        "known_id",
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("status", sa.String(length=40), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("kind", "id", name=op.f("pk_known_id")),
    )
    op.create_table(
        "message_template",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("owner_id", sa.String(length=40), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("channel", sa.String(length=20), nullable=False),
        sa.Column("subject", sa.String(), nullable=True),
        sa.Column("body", sa.String(), nullable=False),
        sa.Column("locale", sa.String(length=35), nullable=False),
        sa.Column("url", sa.String(length=2000), nullable=True),
        sa.Column("secret", sa.String(length=100), nullable=True),
        sa.Column("created_at", types.UtcDateTime(), nullable=False),
        sa.CheckConstraint("channel IN ('inbox', 'webhook')", name=op.f("ck_message_template_channel")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_message_template")),
    )
    op.create_table(
        "outbox",
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("pack_id", sa.String(length=40), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", types.UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_outbox")),
    )
    op.create_table(
        "run",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("owner_id", sa.String(length=40), nullable=False),
        sa.Column("journey_id", sa.String(length=40), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("customer_id", sa.String(length=255), nullable=False),
        sa.Column("entry_key", sa.String(length=255), nullable=False),
        sa.Column("trigger_id", sa.String(length=300), nullable=False),
        sa.Column("since", types.UtcDateTime(), nullable=False),
        sa.Column("entered_at", types.UtcDateTime(), nullable=False),
        sa.Column("ended_at", types.UtcDateTime(), nullable=True),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("node_id", sa.String(length=64), nullable=False),
        sa.Column("arrived_at", types.UtcDateTime(), nullable=False),
        sa.Column("due_at", types.UtcDateTime(), nullable=True),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("steps", sa.Integer(), nullable=False),
        sa.Column("asks", sa.Integer(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("lease_until", types.UtcDateTime(), nullable=True),
        sa.Column("held", sa.Boolean(), nullable=False),
        sa.Column("context", types.JsonType, nullable=False),
        sa.Column("signal", types.JsonType, nullable=True),
        sa.Column("reason", sa.String(length=100), nullable=True),
        sa.Column("goal_at", types.UtcDateTime(), nullable=True),
        sa.CheckConstraint(
            "(due_at IS NOT NULL) = (state IN ('ready', 'waiting', 'waiting_answer'))",
            name=op.f("ck_run_due_while_live"),
        ),
        sa.CheckConstraint(
            "state IN ('ready', 'waiting', 'waiting_answer', 'completed', 'exited', 'failed')",
            name=op.f("ck_run_state"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_run")),
        sa.UniqueConstraint("journey_id", "trigger_id", name=op.f("uq_run_journey_id_trigger_id")),
    )
    with op.batch_alter_table("run", schema=None) as batch_op:
        batch_op.create_index(
            "ix_run_partners",
            ["owner_id", "id"],
            unique=False,
            sqlite_where=sa.text("owner_id <> 'own_merchant'"),
            postgresql_where=sa.text("owner_id <> 'own_merchant'"),
        )
        batch_op.create_index("ix_run_customer", ["customer_id", "journey_id"], unique=False)
        batch_op.create_index(
            "ix_run_due",
            ["due_at"],
            unique=False,
            sqlite_where=sa.text("state IN ('ready', 'waiting', 'waiting_answer') AND NOT held"),
            postgresql_where=sa.text("state IN ('ready', 'waiting', 'waiting_answer') AND NOT held"),
        )
        batch_op.create_index(
            "ix_run_held", ["journey_id"], unique=False, sqlite_where=sa.text("held"), postgresql_where=sa.text("held")
        )
        batch_op.create_index(
            "ix_run_node",
            ["journey_id", "node_id"],
            unique=False,
            sqlite_where=sa.text("state IN ('ready', 'waiting', 'waiting_answer')"),
            postgresql_where=sa.text("state IN ('ready', 'waiting', 'waiting_answer')"),
        )
        batch_op.create_index(
            "uq_run_live",
            ["journey_id", "customer_id", "entry_key"],
            unique=True,
            sqlite_where=sa.text("state IN ('ready', 'waiting', 'waiting_answer')"),
            postgresql_where=sa.text("state IN ('ready', 'waiting', 'waiting_answer')"),
        )

    op.create_table(
        "step_log",
        sa.Column("run_id", sa.String(length=40), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("journey_id", sa.String(length=40), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("node_id", sa.String(length=64), nullable=False),
        sa.Column("port", sa.String(length=64), nullable=True),
        sa.Column("target", sa.String(length=64), nullable=True),
        sa.Column("reason", sa.String(length=100), nullable=False),
        sa.Column("detail", types.JsonType, nullable=False),
        sa.Column("at", types.UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("run_id", "number", name=op.f("pk_step_log")),
    )
    op.create_table(
        "wait",
        sa.Column("run_id", sa.String(length=40), nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("node_id", sa.String(length=210), nullable=False),
        sa.Column("event_name", sa.String(length=200), nullable=False),
        sa.Column("corr_key", sa.String(length=520), nullable=False),
        sa.Column("expires_at", types.UtcDateTime(), nullable=True),
        sa.CheckConstraint("kind IN ('node', 'memo', 'exit', 'goal')", name=op.f("ck_wait_kind")),
        sa.PrimaryKeyConstraint("run_id", "kind", "node_id", name=op.f("pk_wait")),
    )
    with op.batch_alter_table("wait", schema=None) as batch_op:
        batch_op.create_index("ix_wait_event", ["event_name", "corr_key"], unique=False)
        batch_op.create_index("ix_wait_expires_at", ["expires_at"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("wait", schema=None) as batch_op:
        batch_op.drop_index("ix_wait_expires_at")
        batch_op.drop_index("ix_wait_event")

    op.drop_table("wait")
    op.drop_table("step_log")
    with op.batch_alter_table("run", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_run_live",
            sqlite_where=sa.text("state IN ('ready', 'waiting', 'waiting_answer')"),
            postgresql_where=sa.text("state IN ('ready', 'waiting', 'waiting_answer')"),
        )
        batch_op.drop_index(
            "ix_run_node",
            sqlite_where=sa.text("state IN ('ready', 'waiting', 'waiting_answer')"),
            postgresql_where=sa.text("state IN ('ready', 'waiting', 'waiting_answer')"),
        )
        batch_op.drop_index("ix_run_held", sqlite_where=sa.text("held"), postgresql_where=sa.text("held"))
        batch_op.drop_index(
            "ix_run_due",
            sqlite_where=sa.text("state IN ('ready', 'waiting', 'waiting_answer') AND NOT held"),
            postgresql_where=sa.text("state IN ('ready', 'waiting', 'waiting_answer') AND NOT held"),
        )
        batch_op.drop_index("ix_run_customer")

    op.drop_table("run")
    op.drop_table("outbox")
    op.drop_table("message_template")
    op.drop_table("known_id")
    op.drop_table("journey_version")
    with op.batch_alter_table("journey", schema=None) as batch_op:
        batch_op.drop_index("ix_journey_trigger")
        batch_op.drop_index("ix_journey_status")

    op.drop_table("journey")
    with op.batch_alter_table("interest", schema=None) as batch_op:
        batch_op.drop_index("ix_interest_event_name")

    op.drop_table("interest")
    with op.batch_alter_table("inbox_message", schema=None) as batch_op:
        batch_op.drop_index("ix_inbox_message_customer")

    op.drop_table("inbox_message")
    with op.batch_alter_table("inbox", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_inbox_received_at"))

    op.drop_table("inbox")
    with op.batch_alter_table("idempotency", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_idempotency_created_at"))

    op.drop_table("idempotency")
    op.drop_table("enrolment")
    with op.batch_alter_table("effect", schema=None) as batch_op:
        batch_op.drop_index("ix_effect_run")
        batch_op.drop_index(
            "ix_effect_due",
            sqlite_where=sa.text("status IN ('planned', 'claimed')"),
            postgresql_where=sa.text("status IN ('planned', 'claimed')"),
        )
        batch_op.drop_index("ix_effect_customer")

    op.drop_table("effect")
    op.drop_table("customer_traits")
    op.drop_table("counter")
    with op.batch_alter_table("count_delta", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_count_delta_journey_id"))

    op.drop_table("count_delta")
