"""Databases: one set of calls for SQLite and PostgreSQL."""

from shared.db.base import AutoId, TableModel, part_registry
from shared.db.bulk import insert_bulk, insert_later, update_bulk, update_later, upsert_bulk
from shared.db.changes import Changes
from shared.db.dialect import claim_due, excluded, insert_ignore, planned_for_whole_tables, upsert
from shared.db.engine import Database
from shared.db.faults import Trouble, is_outage, is_transient, is_unstorable, kind_of
from shared.db.many import one_of
from shared.db.prepared import Prepared, Write
from shared.db.rounds import Due, delete_some, prune, seconds_until, sweep
from shared.db.rows import as_dict
from shared.db.transaction import Errand, Transaction
from shared.db.turns import DatabaseBusy, Use, used_for
from shared.db.types import JsonType, UtcDateTime, json_dumps, json_loads

__all__ = [
    "AutoId",
    "Changes",
    "Database",
    "DatabaseBusy",
    "Due",
    "Errand",
    "JsonType",
    "Prepared",
    "TableModel",
    "Transaction",
    "Trouble",
    "Use",
    "UtcDateTime",
    "Write",
    "as_dict",
    "claim_due",
    "delete_some",
    "excluded",
    "insert_bulk",
    "insert_ignore",
    "insert_later",
    "is_outage",
    "is_transient",
    "is_unstorable",
    "json_dumps",
    "json_loads",
    "kind_of",
    "one_of",
    "part_registry",
    "planned_for_whole_tables",
    "prune",
    "seconds_until",
    "sweep",
    "update_bulk",
    "update_later",
    "upsert",
    "upsert_bulk",
    "used_for",
]
