"""A disk that is really full, for SQLite files: a small file system where this user may mount one, else a bounded file."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import text

from shared.db import Database


class SmallDisk:
    """A folder that `fill` leaves without room and `clear` gives some again."""

    def __init__(self, folder: Path, *, mounted: bool) -> None:
        self.folder = folder
        self.mounted = mounted

    async def fill(self, db: Database) -> None:
        if not self.mounted:
            return await self._bound(db, 1)  # a file that is longer already grows no more
        with (self.folder / "filler").open("wb", buffering=0) as filler:
            for size in (65536, 512):
                try:
                    while filler.write(b"x" * size):
                        pass
                except OSError:
                    continue

    async def clear(self, db: Database) -> None:
        if not self.mounted:
            return await self._bound(db, 1_000_000)
        (self.folder / "filler").unlink()

    @staticmethod
    async def _bound(db: Database, pages: int) -> None:
        async with db.connection() as connection:
            await connection.execute(text(f"PRAGMA max_page_count={pages}"))


@contextmanager
def small_disk(folder: Path) -> Iterator[SmallDisk]:
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=8m", "quanyu-test", str(folder)]
    mounted = subprocess.run(mount, capture_output=True, check=False).returncode == 0
    try:
        yield SmallDisk(folder, mounted=mounted)
    finally:
        if mounted:
            subprocess.run(["umount", "--lazy", str(folder)], check=True)
