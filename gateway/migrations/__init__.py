"""Migrations of the gateway's tables, run by Alembic through `shared.db.migrate`."""
