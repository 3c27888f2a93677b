"""A role that may have few connections, to stand for a PostgreSQL server that is small or nearly full."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
from kit.runs import this_run


@asynccontextmanager
async def few_connections(url: str, most: int) -> AsyncIterator[str]:
    """`url` as another user sees it, who may do the same with `most` connections (no superuser: they know no limit)."""
    role = f"quanyu_test_{this_run()}_few"
    server = await asyncpg.connect(url)
    owner = await server.fetchval("SELECT current_user")
    try:
        await server.execute(f'DROP ROLE IF EXISTS "{role}"')
        await server.execute(f'CREATE ROLE "{role}" LOGIN CONNECTION LIMIT {most} IN ROLE "{owner}"')
        yield f"postgresql://{role}@{url.partition('@')[2]}"
    finally:
        await server.execute(f'REASSIGN OWNED BY "{role}" TO "{owner}"')
        await server.execute(f'DROP ROLE "{role}"')
        await server.close()
