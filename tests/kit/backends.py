"""Where a test's services keep their data, and how they find their tables there."""

import shutil
import tempfile
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any, TypeVar

from kit.postgres import TestDatabase
from kit.services import INTERNAL_SECRET

from shared.db import Database
from shared.db.migrate import upgrade
from shared.service import Service
from shared.settings import ServiceSettings

S = TypeVar("S", bound=ServiceSettings)


class MigratedFiles:
    """SQLite files as their part's migrations leave them, made when first asked for, to be copied for each test."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._made: set[str] = set()

    async def copy(self, service: Service) -> None:
        """Give the service its file, unless it has one already."""
        kit = service.kit
        model = self._folder / f"{kit.migrations}.db"
        if kit.migrations not in self._made:
            db = Database(f"sqlite:///{model}", schema=kit.db.schema)
            await upgrade(db, kit.migrations, kit.metadata)
            await db.close()
            self._made.add(kit.migrations)
        _copy_once(model, Path(kit.settings.resolved_database_url().removeprefix("sqlite:///")))


def _copy_once(model: Path, target: Path) -> None:
    if not target.exists():
        shutil.copyfile(model, target)


@dataclass(frozen=True)
class Backend:
    """An empty database, SQLite files in `data_dir` or one of PostgreSQL."""

    dialect: str
    data_dir: Path
    database_url: str | None
    files: MigratedFiles
    server: TestDatabase | None = None

    def another(self) -> "Backend":
        """One more of SQLite, beside it."""
        return replace(self, data_dir=Path(tempfile.mkdtemp(dir=self.data_dir)))

    def settings(self, kind: type[S], **more: Any) -> S:
        """Settings of a service that keeps its data here."""
        base = {
            "data_dir": self.data_dir,
            "database_url": self.database_url,
            "database_connections": 5,
            "internal_secret": INTERNAL_SECRET,
            "migrate_on_start": False,
        }
        return kind(**{**base, **more})

    async def prepare(self, service: Service) -> None:
        """Give the service its tables as its migrations make them."""
        if find_spec(service.kit.migrations) is None:
            await service.migrate()  # a test's own part, which makes its tables itself
        elif service.kit.db.dialect == "sqlite":
            await self.files.copy(service)
        elif self.server is not None:
            await self.server.migrated(service)
