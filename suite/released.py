"""What a release leaves in its databases, kept for the tests of all later releases.

`python -m suite.released` starts the suite on empty SQLite files, loads the sample shop, plays the tour, and writes every row
of every part to `tests/released/<version>/<part>.json.gz`, with the revision of the tables and a hash of each migration that
made them. The tests load that on either database, bring it to the newest revision, and find all of it again. Run it once
for each release, before its tag; what was released is never written again.
"""

import asyncio
import base64
import gzip
import hashlib
import json
import os
import tempfile
import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from rich.console import Console
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.clock import SystemClock
from shared.db import Database
from shared.db.migrate import revisions
from shared.messaging import LocalBus
from suite import sampleshop
from suite.client import connect
from suite.parts import PARTS
from suite.processes import WHOLE, Processes, free_port
from suite.settings import CallerSettings
from suite.terminal import console
from suite.tour.play import play
from suite.wiring import build

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "tests" / "released"
Rows = list[dict[str, Any]]


@dataclass(frozen=True)
class Released:
    """One part's data as a release wrote it. `migrations` are the hashes of the files up to `revision`, by revision."""

    revision: str
    migrations: Mapping[str, str]
    tables: Mapping[str, Rows]


def load(path: Path) -> Released:
    """What `save` wrote."""
    return Released(**json.loads(gzip.decompress(path.read_bytes())))


def save(path: Path, released: Released) -> None:
    """Write the file; the same data give the same bytes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(json.dumps(asdict(released), ensure_ascii=False).encode(), mtime=0))


def hashes(migrations: str) -> dict[str, str]:
    """By revision, the hash of its file."""
    return {key: hashlib.sha256(file.read_bytes()).hexdigest() for key, file in revisions(migrations).items()}


async def tables_of(connection: AsyncConnection) -> list[sa.Table]:
    """The tables that are there, as the database itself describes them; referenced ones before those that refer."""
    found = sa.MetaData()
    await connection.run_sync(found.reflect)
    return [table for table in found.sorted_tables if table.name != "alembic_version"]


async def rows_of(connection: AsyncConnection) -> dict[str, Rows]:
    """Every row of every table, with values as JSON can say them: alike on both databases."""
    return {
        table.name: [
            {name: _plain(value) for name, value in row.items()}
            for row in (await connection.execute(sa.select(table))).mappings()
        ]
        for table in await tables_of(connection)
    }


def _plain(value: Any) -> Any:
    return base64.b64encode(value).decode() if isinstance(value, bytes) else value


async def write(folder: Path, data_dir: Path) -> None:
    """Keep what the parts have in this data folder."""
    bus = LocalBus(Database(f"sqlite:///{data_dir}/bus.db", schema="bus"), SystemClock())
    for name in PARTS:
        upstreams = {f"{one}_url": "http://127.0.0.1:1" for one in PARTS if name == "gateway" and one != name}
        kit = build(name, {"data_dir": data_dir, **upstreams}, bus).kit
        async with kit.db.connection() as connection:
            rows = await rows_of(connection)
        await kit.db.close()
        found = hashes(kit.migrations)
        save(folder / f"{name}.json.gz", Released(list(found)[-1], found, rows))


async def trade(data_dir: Path) -> None:
    """Leave in the folder what a shop has after its first day: the sample shop and the tour."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("QUANYU_")}
    environment = {**own, "QUANYU_DATA_DIR": str(data_dir), "QUANYU_WEBHOOKS_ALLOW_PRIVATE": "true"}
    processes = Processes({**environment, "PYTHONPATH": str(ROOT)}, {WHOLE: free_port()}, Console(stderr=True))
    try:
        await processes.start(WHOLE)
        await processes.ready([WHOLE])
        async with connect(CallerSettings(url=processes.url_of(WHOLE), data_dir=data_dir)) as client:
            await sampleshop.load(client, console)
            await play(client, console, port=0)
    finally:
        await processes.stop()


async def main() -> None:
    """Write the files of the version that pyproject.toml names."""
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    with tempfile.TemporaryDirectory() as folder:
        data_dir = Path(folder)
        await trade(data_dir)
        await write(FOLDER / version, data_dir)


if __name__ == "__main__":
    asyncio.run(main())
