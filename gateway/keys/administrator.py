"""The administrator's key: the first one, from which all others come."""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from gateway.audit_log.log import AuditLog
from gateway.keys import repository
from gateway.keys.management import hint_of, new_key, new_row
from gateway.keys.rules import digest, well_formed
from gateway.keys.schemas import KeyIn
from gateway.settings import GatewaySettings
from shared import private_files
from shared.db import Transaction
from shared.service import Kit
from shared.web.identity import MERCHANT

ADMIN_ID = "key_admin"


class Administrator:
    """`ensure` when the gateway starts."""

    def __init__(self, kit: Kit, settings: GatewaySettings, log: AuditLog) -> None:
        self._db = kit.db
        self._clock = kit.clock
        self._log = log
        self._path = settings.data_dir / "admin.key"
        self._given = settings.admin_key.get_secret_value() if settings.admin_key else None

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """There is a key from the first request on."""
        await self.ensure()
        yield

    async def ensure(self) -> None:
        """See that there is an administrator's key: the one given by QUANYU_ADMIN_KEY, or a fresh one, shown once.

        Raises ValueError when the given one is no key. The file is written before the row, so that a crash between them
        loses nothing: the next start takes the key from the file.
        """
        now, path, given = self._clock.now(), self._path, self._given
        private_files.close_to_others(path)
        if given is not None and not well_formed(given):
            raise ValueError("QUANYU_ADMIN_KEY is no well-formed key; make one with `quanyu keys generate`")
        async with self._db.read() as tx:
            known = await repository.find(tx, ADMIN_ID)
        if known is not None and given is None:
            return
        key = given or self._kept()
        row = new_row(key, KeyIn(name="Administrator", kind="secret"), ["*"], now)
        async with self._db.write() as tx:
            made = await repository.insert_once(
                tx, row | {"id": ADMIN_ID, "lineage_id": ADMIN_ID, "owner_id": MERCHANT}
            )
            changed = not made and given is not None
            if changed and not await repository.replace_digest(tx, ADMIN_ID, digest(key), hint_of(key), now):
                return
            if not made and given is None:
                await self._forget_unless_it_is(tx, key)
            if made or changed:
                await self._log.record(tx, None, "key.create" if made else "key.replace", ADMIN_ID, MERCHANT)
        if made and given is None:
            sys.stdout.write(f"Administrator key (shown once, kept in {path}): {key}\n")
            sys.stdout.flush()

    def _kept(self) -> str:
        """The key in the file, which is made where there is none: gateways that share a data folder get the same."""
        if self._path.exists() and _key_in(self._path) is None:
            private_files.write(self._path, new_key("secret"))
        return private_files.read_or_create(self._path, lambda: new_key("secret"))

    async def _forget_unless_it_is(self, tx: Transaction, key: str) -> None:
        """A gateway with a folder of its own was faster, and its key is the administrator's: ours opens nothing."""
        known = await repository.find(tx, ADMIN_ID)
        if known is not None and known.digest != digest(key):
            self._path.unlink(missing_ok=True)


def _key_in(path: Path) -> str | None:
    try:
        text = path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        return None
    return text if well_formed(text) else None
