"""leased sub-quotas, jobs that list and can be cancelled, reminders, the claim centre

Revision: 0003, after: 0002
"""

import sqlalchemy as sa
from alembic import op

from shared.db import types

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_TO_REMIND = sa.text("remind_at IS NOT NULL")
_JOB = "id, template_id, status, reason, actor, total, issued, refused, created_at, updated_at"


def upgrade() -> None:
    # Said in SQL where a column has a CHECK or a default: Alembic would copy the whole SQLite table, and lose its CHECKs.
    op.execute(
        "ALTER TABLE template ADD COLUMN budget_on VARCHAR(16) DEFAULT 'issue' NOT NULL"
        " CONSTRAINT ck_template_budget_on CHECK (budget_on IN ('issue', 'redemption'))"
    )
    op.execute("ALTER TABLE template ADD COLUMN visible_in_centre BOOLEAN DEFAULT true NOT NULL")
    op.add_column("template", sa.Column("ends_at", types.UtcDateTime(length=27), nullable=True))
    op.add_column("template", sa.Column("granted_by", sa.String(length=40), nullable=True))

    op.add_column("coupon", sa.Column("remind_at", types.UtcDateTime(length=27), nullable=True))
    op.create_index(
        "ix_coupon_remind_at", "coupon", ["remind_at"], sqlite_where=_TO_REMIND, postgresql_where=_TO_REMIND
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
    op.create_index(op.f("ix_quota_lease_expires_at"), "quota_lease", ["expires_at"])

    # A new table takes the jobs over: SQLite can't change the CHECK of the old one.
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
        sa.CheckConstraint(
            "status IN ('receiving', 'listing', 'running', 'done', 'cancelled')", name=op.f("ck_coupon_job_status")
        ),
        sa.CheckConstraint("issued + refused <= total", name=op.f("ck_coupon_job_counted")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_coupon_job")),
    )
    op.create_index(op.f("ix_coupon_job_status_updated_at"), "coupon_job", ["status", "updated_at"])
    op.execute(f"INSERT INTO coupon_job ({_JOB}, started_at) SELECT {_JOB}, created_at FROM issue_job")  # noqa: S608 - our own names
    op.drop_table("issue_job")


def downgrade() -> None:
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
    known = "status IN ('running', 'done')"
    op.execute(f"INSERT INTO issue_job ({_JOB}) SELECT {_JOB} FROM coupon_job WHERE {known}")  # noqa: S608 - our own names
    op.drop_table("coupon_job")
    op.drop_table("quota_lease")
    op.drop_index("ix_coupon_remind_at", "coupon")
    op.drop_column("coupon", "remind_at")
    for column in ("granted_by", "ends_at", "visible_in_centre", "budget_on"):
        op.drop_column("template", column)
