"""Failed guesses are counted.

Revision: 0004, after: 0003
"""

import sqlalchemy as sa
from alembic import op

from shared.db import types

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
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


def downgrade() -> None:
    op.drop_table("abuse_failure")
