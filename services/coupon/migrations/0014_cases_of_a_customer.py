"""Find the cases of a customer

Revision: 0014, after: 0013
"""

from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(op.f("ix_abuse_case_coupon_customer_id"), "abuse_case_coupon", ["customer_id"])


def downgrade() -> None:
    op.drop_index(op.f("ix_abuse_case_coupon_customer_id"), "abuse_case_coupon")
