"""refusals of a job by code, counted as it goes

Revision: 0009, after: 0008
"""

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Said in SQL: Alembic would copy the whole SQLite table for a column with a default.
    kind = "JSONB" if op.get_bind().dialect.name == "postgresql" else "JSON"
    op.execute(f"ALTER TABLE coupon_job ADD COLUMN refused_by {kind} DEFAULT '{{}}' NOT NULL")


def downgrade() -> None:
    op.drop_column("coupon_job", "refused_by")
