"""The administrator's key: the first one, from which all others come."""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from gateway.audit_log.log import AuditLog
from gateway.keys import repository
from gateway.keys.key_file import KeyFile
from gateway.keys.management import hint_of, new_key, new_row
from gateway.keys.rules import digest
from gateway.keys.schemas import KeyIn
from gateway.settings import GatewaySettings
from shared.db import Transaction
from shared.language import say
from shared.service import Kit
from shared.web.identity import MERCHANT

ADMIN_ID = "key_admin"


class Administrator:
    """`ensure` when the gateway starts; `reset` for who owns the data and lost the key."""

    def __init__(self, kit: Kit, settings: GatewaySettings, log: AuditLog, file: KeyFile) -> None:
        self._db = kit.db
        self._clock = kit.clock
        self._log = log
        self._notes = kit.log
        self._file = file
        self._given = settings.admin_key.get_secret_value() if settings.admin_key else None

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """There is a key from the first request on."""
        await self.ensure()
        yield

    async def ensure(self) -> None:
        """See that there is an administrator's key: the one given by QUANYU_ADMIN_KEY, or a fresh one in its file.

        Files are written before rows, so that a crash between them loses nothing: the next start takes the key from there.
        """
        self._file.close_to_others()
        if self._given is None:
            await self._ensure_any()
        else:
            await self._ensure_given(self._given)

    async def _ensure_any(self) -> None:
        async with self._db.read() as tx:
            if await repository.find(tx, ADMIN_ID) is not None:
                return
        key = self._file.read_or_create(new_key("secret"))
        async with self._db.write() as tx:
            if await self._insert(tx, key):
                await self._log.record(tx, None, "key.create", ADMIN_ID, MERCHANT)
            else:
                await self._forget_unless_it_is(tx, key)
                return
        # A terminal is read by a person; what is no terminal is kept, by who knows whom.
        shown = say(f" (shown once): {key}", f"（只显示一次）：{key}") if sys.stdout.isatty() else ""
        file = self._file.path
        sys.stdout.write(say(f"Administrator key, kept in {file}{shown}\n", f"管理员密钥，保存在 {file}{shown}\n"))
        sys.stdout.flush()

    async def _ensure_given(self, key: str) -> None:
        async with self._db.write() as tx:
            if await self._insert(tx, key):
                await self._log.record(tx, None, "key.create", ADMIN_ID, MERCHANT)
            elif (trouble := await self._trouble(tx, key)) is not None:
                self._notes.warning(f"QUANYU_ADMIN_KEY {trouble}")
                return
        self._file.follow(key)

    async def _trouble(self, tx: Transaction, key: str) -> str | None:
        """Make this the key of the administrator that there is. What speaks against it, if something does.

        A key that was rotated or revoked stays so: whoever ended it had a reason, and the variable may be forgotten.
        """
        now = self._clock.now()
        holder = next(iter(await repository.with_digests(tx, [digest(key)])), None)
        if holder is None:
            await repository.replace_digest(tx, ADMIN_ID, digest(key), hint_of(key), now)
            await self._log.record(tx, None, "key.replace", ADMIN_ID, MERCHANT)
        elif holder.revoked_at is not None or (holder.expires_at is not None and holder.expires_at <= now):
            return f"was revoked or rotated and opens nothing ({holder.id}): give another, or take it away"
        elif holder.scopes != ["*"]:
            return f"is a key with fewer rights than everything ({holder.id}): give another, or take it away"
        return None

    async def reset(self) -> None:
        """Give the administrator another key: the one of QUANYU_ADMIN_KEY, or a fresh one. It lies in the file afterwards.

        The one before ends at once. Gateways that run follow within seconds. Raises ValueError when the given one is
        another key's already.
        """
        key = self._given or new_key("secret")
        now = self._clock.now()
        async with self._db.write() as tx:
            holders = await repository.with_digests(tx, [digest(key)])
            if any(holder.id != ADMIN_ID for holder in holders):
                raise ValueError(
                    say(
                        "QUANYU_ADMIN_KEY is another key already; give a fresh one, or take it away",
                        "QUANYU_ADMIN_KEY 已是另一把密钥；请换一个新的，或去掉它",
                    )
                )
            if not await self._insert(tx, key):
                await repository.replace_digest(tx, ADMIN_ID, digest(key), hint_of(key), now)
            await self._log.record(tx, None, "key.reset", ADMIN_ID, MERCHANT)
            self._file.write(key)

    async def _insert(self, tx: Transaction, key: str) -> bool:
        row = new_row(key, KeyIn(name="Administrator", kind="secret"), ["*"], self._clock.now())
        return await repository.insert_once(tx, row | {"id": ADMIN_ID, "lineage_id": ADMIN_ID, "owner_id": MERCHANT})

    async def _forget_unless_it_is(self, tx: Transaction, key: str) -> None:
        """A gateway with a folder of its own was faster, and its key is the administrator's: ours opens nothing."""
        known = await repository.find(tx, ADMIN_ID)
        if known is not None and known.digest != digest(key):
            self._file.remove()
