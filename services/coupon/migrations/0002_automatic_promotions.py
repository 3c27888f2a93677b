"""automatic promotions

Revision: 0002, after: 0001
"""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Said in SQL: Alembic would copy the whole SQLite table for a column with a CHECK, and lose its other CHECKs.
    op.execute(
        "ALTER TABLE template ADD COLUMN kind VARCHAR(16) DEFAULT 'coupon' NOT NULL"
        " CONSTRAINT ck_template_kind CHECK (kind IN ('coupon', 'promotion'))"
    )
    op.drop_index(op.f("ix_template_status_id"), "template")
    op.create_index(op.f("ix_template_kind_status_id"), "template", ["kind", "status", "id"], unique=False)


def downgrade() -> None:
    op.drop_index(op.f("ix_template_kind_status_id"), "template")
    op.create_index(op.f("ix_template_status_id"), "template", ["status", "id"], unique=False)
    op.drop_column("template", "kind")
