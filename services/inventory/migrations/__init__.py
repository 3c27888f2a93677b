"""Alembic revisions of the inventory service."""
