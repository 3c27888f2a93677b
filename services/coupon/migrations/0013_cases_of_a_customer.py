"""Find the cases of a customer

Revision: 0013, after: 0012
"""

from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(op.f("ix_abuse_case_coupon_customer_id"), "abuse_case_coupon", ["customer_id"])


def downgrade() -> None:
    op.drop_index(op.f("ix_abuse_case_coupon_customer_id"), "abuse_case_coupon")
