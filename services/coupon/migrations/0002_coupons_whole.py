"""coupons whole: promotions, orders with refunds, codes, packs, sharing, scanning, draws, stores, abuse

Revision: 0002, after: 0001
"""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.types import TypeEngine

from services.coupon.migrations.tables_of_0002 import giving, using
from shared.db import types

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

# Columns for tables that have rows: table, column, type, default, condition. Said in SQL: Alembic would copy the whole
# SQLite table for a column with a default or a CHECK, and lose its other CHECKs.
_COLUMNS: tuple[tuple[str, str, TypeEngine[Any], str | None, str | None], ...] = (
    ("template", "kind", sa.String(16), "'coupon'", "kind IN ('coupon', 'promotion')"),
    ("template", "budget_on", sa.String(16), "'issue'", "budget_on IN ('issue', 'redemption')"),
    ("template", "visible_in_centre", sa.Boolean(), "true", None),
    ("template", "ends_at", types.UtcDateTime(), None, None),
    ("template", "granted_by", sa.String(40), None, None),
    ("template", "cash_back_of", sa.String(40), None, None),
    ("coupon", "remind_at", types.UtcDateTime(), None, None),
    ("coupon", "origin_address", sa.String(32), None, None),
    ("coupon", "origin_device", sa.String(32), None, None),
    ("coupon", "face_amount", sa.BigInteger(), None, "face_amount IS NULL OR face_amount > 0"),
    ("checkout", "first_order", sa.Boolean(), "false", None),
    ("checkout", "total", sa.BigInteger(), "0", "total >= 0"),
    ("checkout", "points", sa.BigInteger(), "0", "points >= 0"),
    ("checkout", "cart", types.JsonType, None, None),
    ("checkout_coupon", "cash_back", sa.BigInteger(), "0", "cash_back >= 0"),
    ("checkout_coupon", "budget_taken", sa.BigInteger(), "0", "budget_taken >= 0"),
    ("discount_share", "funder", sa.String(16), "'shop'", "funder IN ('shop', 'platform', 'customer')"),
)
_LIVE = sa.text("state = 'live'")
_ORDER_COUPON = sa.Table(
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
_JOB = "id, template_id, status, reason, actor, total, issued, refused, created_at, updated_at"
_NEW_TABLES = (
    "coupon_job",
    "quota_lease",
    "coupon_pack",
    "pack_claim",
    "public_code",
    "public_code_use",
    "code_batch",
    "code",
    "share_offer",
    "share",
    "share_help",
    "claim_code",
    "claim_scan",
    "draw",
    "draw_prize",
    "draw_ticket",
    "customer",
    "completed_order",
    "checkout_line",
    "checkout_promotion",
    "promotion_entry",
    "cash_back",
    "order_message",
    "refund",
    "refund_line",
    "refund_share",
    "redemption",
    "redemption_conflict",
    "redemption_key",
    "redemption_token",
    "abuse_failure",
    "abuse_version",
    "abuse_cursor",
    "abuse_sighting",
    "abuse_share",
    "velocity_rule",
    "velocity_log",
    "denial",
    "abuse_case",
    "abuse_case_coupon",
)


def upgrade() -> None:
    _order_coupon_states("state IN ('live', 'redeemed', 'released', 'returned')")
    for table, column, kind, default, condition in _COLUMNS:
        statement = f"ALTER TABLE {table} ADD COLUMN {column} {kind.compile(dialect=op.get_bind().dialect)}"
        if default is not None:
            statement += f" DEFAULT {default} NOT NULL"
        if condition is not None:
            statement += f" CONSTRAINT ck_{table}_{column} CHECK ({condition})"
        op.execute(statement)
    _fill_from_json()
    op.drop_index(op.f("ix_template_status_id"), "template")
    op.create_index(op.f("ix_template_kind_status_id"), "template", ["kind", "status", "id"])
    op.create_index("uq_template_cash_back_of", "template", ["cash_back_of"], unique=True)
    to_remind, once = sa.text("remind_at IS NOT NULL"), sa.text("source IN ('code', 'share', 'qr', 'draw')")
    op.create_index("ix_coupon_remind_at", "coupon", ["remind_at"], sqlite_where=to_remind, postgresql_where=to_remind)
    op.create_index(
        "uq_coupon_once_reference", "coupon", ["reference"], unique=True, sqlite_where=once, postgresql_where=once
    )
    _jobs()
    giving.wallet()
    giving.packs()
    giving.codes()
    giving.sharing()
    giving.scanning()
    giving.draws()
    using.audience()
    using.checkout()
    using.refunds()
    using.redemption()
    using.abuse()


def downgrade() -> None:
    # What nobody may claim must not become an open offer, and what a process has leased comes back.
    op.execute("UPDATE template SET status = 'paused' WHERE kind = 'promotion' OR cash_back_of IS NOT NULL")
    leased = "FROM quota_lease WHERE quota_lease.template_id ="
    op.execute(
        f"UPDATE template SET issued = issued - (SELECT SUM(unused) {leased} template.id),"  # noqa: S608 - our own names
        f" budget_spent = budget_spent - (SELECT SUM(unused * cost) {leased} template.id)"
        " WHERE id IN (SELECT template_id FROM quota_lease)"
    )
    op.execute(
        f"UPDATE template_day SET issued = issued - COALESCE((SELECT SUM(unused) {leased} template_day.template_id"  # noqa: S608 - our own names
        " AND quota_lease.day = template_day.day), 0)"
    )
    op.create_table(
        "issue_job",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("template_id", sa.String(length=40), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("actor", sa.String(length=255), nullable=False),
        sa.Column("total", sa.BigInteger(), nullable=False),
        sa.Column("issued", sa.BigInteger(), nullable=False),
        sa.Column("refused", sa.BigInteger(), nullable=False),
        sa.Column("created_at", types.UtcDateTime(length=27), nullable=False),
        sa.Column("updated_at", types.UtcDateTime(length=27), nullable=False),
        sa.CheckConstraint("status IN ('running', 'done')", name=op.f("ck_issue_job_status")),
        sa.CheckConstraint("issued + refused <= total", name=op.f("ck_issue_job_counted")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_issue_job")),
    )
    op.create_index(op.f("ix_issue_job_status_id"), "issue_job", ["status", "id"])
    op.execute("UPDATE coupon_job SET status = 'done' WHERE status = 'cancelled'")
    known = "status IN ('running', 'done')"
    op.execute(f"INSERT INTO issue_job ({_JOB}) SELECT {_JOB} FROM coupon_job WHERE {known}")  # noqa: S608 - our own names
    for table in reversed(_NEW_TABLES):
        op.drop_table(table)
    op.drop_index("uq_coupon_once_reference", "coupon")
    op.drop_index("ix_coupon_remind_at", "coupon")
    op.drop_index("uq_template_cash_back_of", "template")
    op.drop_index(op.f("ix_template_kind_status_id"), "template")
    op.create_index(op.f("ix_template_status_id"), "template", ["status", "id"])
    for table, column, *_ in reversed(_COLUMNS):
        op.drop_column(table, column)
    op.execute("UPDATE checkout_coupon SET state = 'redeemed' WHERE state = 'returned'")
    _order_coupon_states("state IN ('live', 'redeemed', 'released')")


def _order_coupon_states(condition: str) -> None:
    """Another CHECK for the state of an order's coupon; SQLite gets a new table for it, made from the description above."""
    with op.batch_alter_table("checkout_coupon", copy_from=_ORDER_COUPON) as batch_op:
        batch_op.drop_constraint(op.f("ck_checkout_coupon_state"), type_="check")
        batch_op.create_check_constraint(op.f("ck_checkout_coupon_state"), condition)


def _fill_from_json() -> None:
    """What stands in the JSON of older rows: the total of an order's quote, the end of an offer's window."""
    connection = op.get_bind()
    on_postgresql = connection.dialect.name == "postgresql"
    frozen = "CAST(quote ->> 'total' AS BIGINT)" if on_postgresql else "json_extract(quote, '$.total')"
    op.execute(f"UPDATE checkout SET total = {frozen}")  # noqa: S608 - one of the two texts above
    template = sa.table(
        "template", sa.column("id"), sa.column("terms_version"), sa.column("ends_at", types.UtcDateTime())
    )
    terms = sa.table(
        "template_terms", sa.column("template_id"), sa.column("version"), sa.column("terms", types.JsonType)
    )
    present = sa.and_(terms.c.template_id == template.c.id, terms.c.version == template.c.terms_version)
    offers = connection.execute(sa.select(template.c.id, terms.c.terms).join(terms, present)).all()
    ends = [(offer, found.get("validity", {}).get("until")) for offer, found in offers]
    for offer, end in ends:
        if end is not None:
            connection.execute(
                sa.update(template).where(template.c.id == offer).values(ends_at=datetime.fromisoformat(end))
            )


def _jobs() -> None:
    """A new table takes the jobs over: SQLite can't change the CHECK of the old one."""
    op.create_table(
        "coupon_job",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("template_id", sa.String(length=40), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("actor", sa.String(length=255), nullable=False),
        sa.Column("segment_id", sa.String(length=40), nullable=True),
        sa.Column("listed", sa.String(length=200), nullable=True),
        sa.Column("total", sa.BigInteger(), nullable=False),
        sa.Column("issued", sa.BigInteger(), nullable=False),
        sa.Column("refused", sa.BigInteger(), nullable=False),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("created_at", types.UtcDateTime(length=27), nullable=False),
        sa.Column("started_at", types.UtcDateTime(length=27), nullable=True),
        sa.Column("updated_at", types.UtcDateTime(length=27), nullable=False),
        sa.Column("refused_by", types.JsonType, server_default="{}", nullable=False),
        sa.CheckConstraint(
            "status IN ('receiving', 'listing', 'running', 'done', 'cancelled')", name=op.f("ck_coupon_job_status")
        ),
        sa.CheckConstraint("issued + refused <= total", name=op.f("ck_coupon_job_counted")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_coupon_job")),
    )
    op.create_index(op.f("ix_coupon_job_status_updated_at"), "coupon_job", ["status", "updated_at"])
    op.execute(f"INSERT INTO coupon_job ({_JOB}, started_at) SELECT {_JOB}, created_at FROM issue_job")  # noqa: S608 - our own names
    op.drop_table("issue_job")
