"""The life of keys: made, rotated, revoked."""

import secrets
from datetime import datetime, timedelta
from typing import Any

from gateway.audit_log.log import AuditLog
from gateway.keys import repository
from gateway.keys.cache import KeyCache
from gateway.keys.key_file import KeyFile
from gateway.keys.known import Known
from gateway.keys.models import ApiKey
from gateway.keys.powers import must_cover, must_fit_shop, must_lie_within, scopes_of
from gateway.keys.rules import Kind, digest, format_key, well_formed
from gateway.keys.schemas import KeyIn, KeyView, NewKeyView
from shared.db import Transaction
from shared.ids import new_id
from shared.service import Kit
from shared.web import Caller, Conflict, Forbidden, NotFound, Page, Paging, Unauthorized, invalid
from shared.web.ends import refuse_passed

_MANAGED_BY_OTHERS: tuple[Kind, ...] = ("restricted", "publishable")
_MOST_GENERATIONS = 5


def new_key(kind: Kind) -> str:
    """A fresh key of 32 random bytes."""
    return format_key(kind, secrets.token_bytes(32))


def hint_of(key: str) -> str:
    """What may be shown of a key: its beginning and end. Of a secret that somebody thought of, less: it may be short."""
    if not well_formed(key):
        return f"{key[:2]}…{key[-2:]}"
    return f"{key[:12]}…{key[-4:]}"


class Keys:
    """The use cases of keys. Every change is audited and leaves this process's memory of the key at once."""

    def __init__(self, kit: Kit, cache: KeyCache, log: AuditLog, file: KeyFile, known: Known) -> None:
        self._db = kit.db
        self._clock = kit.clock
        self._cache = cache
        self._log = log
        self._file = file
        self._known = known
        self._notes = kit.log

    async def create(self, caller: Caller, wanted: KeyIn) -> NewKeyView:
        """Make a key. Nobody can hand out more than they hold: what is left out is the maker's.

        Raises Forbidden or Unprocessable.
        """
        now = self._clock.now()
        scopes = scopes_of(wanted)
        self._known.check(scopes, wanted.limits)
        if not caller.sees_all and wanted.kind not in _MANAGED_BY_OTHERS:
            raise Forbidden("kind_not_allowed", f"Only a secret key can make {wanted.kind} keys.")
        must_cover(caller, scopes)
        must_fit_shop(caller, wanted.shop_id)
        if wanted.shop_id is not None and wanted.kind == "publishable":
            raise invalid("#/shop_id", "no_staff_key", "A publishable key is not secret: it can't work for a shop.")
        refuse_passed("#/expires_at", wanted.expires_at, now, "Give a later one, or leave it out for no end.")
        key = new_key(wanted.kind)
        async with self._db.write() as tx:
            inherited = {} if caller.kind == "staff" else await self._inherited(tx, caller, wanted, now)
            row = new_row(key, wanted, scopes, now) | {
                "owner_id": await self._owner(tx, caller, wanted),
                "created_by": caller.key_id,
                **inherited,
            }
            await repository.insert_key(tx, row)
            await self._log.record(tx, caller, "key.create", row["id"], kind=wanted.kind, scopes=scopes)
            made = must_exist(await repository.find(tx, row["id"]))
        return NewKeyView(**shown(made, now), key=key)

    async def _inherited(self, tx: Transaction, caller: Caller, wanted: KeyIn, now: datetime) -> dict[str, Any]:
        """What a key has of the one that makes it. One that an operator makes is the merchant's, and stays when they leave."""
        # The count before the key, as in a rotation: two in the other order would wait for each other.
        await self._known.must_have_room(tx, caller)
        maker = await repository.lock_in_force(tx, caller.key_id, now)
        if maker is None:
            raise Unauthorized("key_invalid", "This key has ended just now.")
        must_lie_within(maker, wanted)
        if len(await repository.ancestors(tx, maker.id)) >= _MOST_GENERATIONS:
            raise Forbidden("too_many_generations", "A key this far from the merchant's own can't make keys.")
        return {
            "allowed_ips": wanted.allowed_ips or maker.allowed_ips,
            "expires_at": wanted.expires_at or maker.expires_at,
            "require_signature": maker.require_signature and wanted.kind != "publishable",
            "maker_id": maker.id,
        }

    async def _owner(self, tx: Transaction, caller: Caller, wanted: KeyIn) -> str:
        if wanted.owner_id is None:
            return new_id("own") if wanted.kind == "partner" else caller.owner_id
        if wanted.owner_id != caller.owner_id:
            if not caller.sees_all:
                raise Forbidden("owner_not_allowed", "Only a secret key can make keys for another owner.")
            if wanted.kind == "secret":
                raise invalid(
                    "#/kind", "not_for_partners", "Secret keys are the merchant's own; give a partner a partner key."
                )
        if not await repository.owner_exists(tx, wanted.owner_id):
            raise invalid(
                "#/owner_id", "unknown_owner", "There is no key of this owner. Leave owner_id out for a new partner."
            )
        return wanted.owner_id

    async def page(self, caller: Caller, paging: Paging, kind: str | None, owner_id: str | None) -> Page[KeyView]:
        """The keys that the caller may know of."""
        now = self._clock.now()
        async with self._db.read() as tx:
            return await repository.page(tx, caller, kind, owner_id, paging, lambda row: KeyView(**shown(row, now)))

    async def read(self, caller: Caller, key_id: str) -> KeyView:
        """One of them. Raises NotFound."""
        async with self._db.read() as tx:
            return KeyView(**shown(must_exist(await repository.find(tx, key_id, caller)), self._clock.now()))

    async def rotate(self, caller: Caller, key_id: str, overlap: timedelta) -> NewKeyView:
        """A successor with the same rights; the old key works for `overlap` more. Raises Conflict when it is not active."""
        now = self._clock.now()
        async with self._db.write() as tx:
            old = await self.changeable(tx, caller, key_id)
            await self._known.must_have_room(tx, caller)
            key, successor = new_key(old.kind), new_id("key")
            if not await repository.retire(tx, key_id, successor, now, now + overlap):
                raise Conflict(
                    "key_not_active", "This key is revoked, expired or rotated already. Rotate its successor."
                )
            signing = must_exist(
                await repository.find(tx, key_id)
            )  # it is held now: its signing secrets stay as they are
            row = {name: getattr(old, name) for name in _INHERITED} | {
                "signing_secrets": signing.signing_secrets,
                "require_signature": signing.require_signature,
                "id": successor,
                "digest": digest(key),
                "hint": hint_of(key),
                "created_by": caller.key_id,
                "created_at": now,
                "changed_at": now,
            }
            await repository.insert_key(tx, row)
            await self._log.record(tx, caller, "key.rotate", key_id, old.owner_id, successor_id=successor)
            made = must_exist(await repository.find(tx, successor))
            tx.after_commit(lambda: self._cache.invalidate(old.digest))
        self._keep(key, old)
        return NewKeyView(**shown(made, now), key=key)

    async def changeable(self, tx: Transaction, caller: Caller, key_id: str) -> ApiKey:
        """A key whose secrets the caller may replace. Raises NotFound or Forbidden."""
        key = await self._managed(tx, caller, key_id)
        await self._must_be_made_with(tx, caller, key)
        return key

    def _keep(self, key: str, old: ApiKey) -> None:
        """The administrator's file goes on to open the door. The answer has the key all the same, so nothing is lost here."""
        try:
            if self._file.holds(old.digest):
                self._file.follow(key)
        except OSError as error:
            self._notes.warning("the file of the administrator's key keeps the old one", error=str(error))

    async def _must_be_made_with(self, tx: Transaction, caller: Caller, key: ApiKey) -> None:
        """What a key gets hold of ends with it: it rotates itself and what descends from it, and nothing that outlives it."""
        if key.id == caller.key_id or caller.kind == "staff":
            return
        own = must_exist(await repository.find(tx, caller.key_id))
        if own.lineage_id not in {one.lineage_id for one in await repository.ancestors(tx, key.id)}:
            detail = (
                "Only a key itself, and those that it was made with, can rotate it. Make a new key and revoke this one."
            )
            raise Forbidden("not_its_maker", detail)
        if own.expires_at is not None and (key.expires_at is None or key.expires_at > own.expires_at):
            raise Forbidden("outlives_its_maker", "Your key ends before this one does. Use its successor.")

    async def revoke(self, caller: Caller, key_id: str, *, keep_made: bool) -> None:
        """End a key at once, with all that was made with it; a key without a successor takes its lineage along.

        With `keep_made` what was made with it lives on. Doing it again changes nothing. Raises Conflict where the caller's
        own key would end.
        """
        now = self._clock.now()
        if keep_made and not caller.sees_all:
            raise Forbidden("kind_not_allowed", "Only a secret key can keep what was made with a revoked one.")
        async with self._db.write() as tx:
            old = await self._managed(tx, caller, key_id)
            if keep_made:
                await repository.hand_over(tx, old, now)
            ended: list[repository.Ended] = []
            while found := await repository.lock_ending(tx, repository.ending_with(old)):
                await repository.revoke(tx, [one.id for one in found], now)
                ended += found
            if any(one.id == caller.key_id for one in ended):
                detail = "Your own key would end with it. Use another key, so that you don't lock yourself out."
                raise Conflict("own_key", detail)
            if ended:
                await self._log.record(tx, caller, "key.revoke", key_id, old.owner_id, keys=len(ended))
            tx.after_commit(lambda: self._forget(ended))

    def _forget(self, ended: list[repository.Ended]) -> None:
        for one in ended:
            self._cache.invalidate(one.digest)

    async def _managed(self, tx: Transaction, caller: Caller, key_id: str) -> ApiKey:
        key = must_exist(await repository.find(tx, key_id, caller))
        must_cover(caller, key.scopes)
        must_fit_shop(caller, key.shop_id)
        return key


_INHERITED = (
    *("owner_id", "lineage_id", "maker_id", "kind", "name", "scopes", "limits", "allowed_ips", "shop_id", "expires_at"),
)


def new_row(key: str, wanted: KeyIn, scopes: list[str], now: datetime) -> dict[str, Any]:
    """A key that is stored, without who owns and who made it."""
    key_id = new_id("key")
    return {
        "id": key_id,
        "lineage_id": key_id,
        "kind": wanted.kind,
        "name": wanted.name,
        "digest": digest(key),
        "hint": hint_of(key),
        "scopes": scopes,
        "limits": wanted.limits.model_dump(exclude_none=True) if wanted.limits else None,
        "allowed_ips": wanted.allowed_ips,
        "shop_id": wanted.shop_id,
        "created_at": now,
        "changed_at": now,
        "expires_at": wanted.expires_at,
        "signing_secrets": [],
        "require_signature": False,
    }


def must_exist(row: ApiKey | None) -> ApiKey:
    """The row. Raises NotFound."""
    if row is None:
        raise NotFound("not_found", "There is no such key.")
    return row


def shown(row: ApiKey, now: datetime) -> dict[str, Any]:
    """The members of a KeyView."""
    members = {name: getattr(row, name) for name in KeyView.model_fields if name not in ("status", "signs")}
    return members | {"status": _status(row, now), "signs": bool(row.signing_secrets)}


def _status(row: ApiKey, now: datetime) -> str:
    if row.revoked_at is not None:
        return "revoked"
    if row.expires_at is not None and row.expires_at <= now:
        return "expired"
    return "rotating" if row.successor_id is not None else "active"
