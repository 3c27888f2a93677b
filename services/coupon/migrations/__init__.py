"""Alembic revisions of the coupon service."""
