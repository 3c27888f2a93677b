"""What a PostgreSQL server still has for us: its connections are few, and others use them too."""

from typing import NamedTuple

from sqlalchemy import text

from shared.db.engine import Database

APPLICATION = "quanyu-"
"""Begins the name under which every part of the suite is connected."""

_LEFT = text(f"""
WITH us AS (SELECT rolsuper, rolconnlimit FROM pg_roles WHERE rolname = current_user),
     here AS (SELECT datconnlimit FROM pg_database WHERE datname = current_database()),
     others AS (SELECT datname, usename, application_name LIKE '{APPLICATION}%' AS suite
                FROM pg_stat_activity WHERE datname IS NOT NULL AND pid <> pg_backend_pid())
SELECT current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int
           - coalesce(current_setting('reserved_connections', true), '0')::int
           - (SELECT count(*) FROM others WHERE :running OR suite IS NOT true) AS server,
       CASE WHEN us.rolsuper OR us.rolconnlimit < 0 THEN NULL
            ELSE us.rolconnlimit - (SELECT count(*) FROM others WHERE usename = current_user
                                    AND (:running OR suite IS NOT true)) END AS role,
       CASE WHEN us.rolsuper OR here.datconnlimit < 0 THEN NULL
            ELSE here.datconnlimit - (SELECT count(*) FROM others WHERE datname = current_database()
                                      AND (:running OR suite IS NOT true)) END AS database
FROM us, here
""")  # noqa: S608 - a constant of ours


class Left(NamedTuple):
    """Connections left: of the server, and where they have limits of their own, of our role and of the database."""

    server: int
    role: int | None
    database: int | None


async def connections_left(url: str, *, beside_running: bool) -> Left:
    """What `url` has left for us. `beside_running`: parts of the suite that run already keep theirs; else theirs count as
    ours. Raises what connecting raises, DatabaseBusy when there is none left at all.
    """
    db = Database(url, schema="public", pool_size=1)
    try:
        async with db.read() as tx:
            left = await tx.row(Left, _LEFT, {"running": beside_running})
    finally:
        await db.close()
    if left is None:
        raise LookupError("the server knows neither this role nor this database")
    return left
