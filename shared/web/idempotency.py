"""Idempotency keys: the same key and body get the first answer again, and the effect happens once.

Hot routes that say `keyed` have it in their group commit, see `keyed`. For all others the record is begun in a short
transaction of its own (so that a second call sees it at once) and finished in the very transaction of the effect: a crash
between them leaves neither. A record whose worker died may be taken over after its lease.
"""

from datetime import timedelta
from typing import Any

from sqlalchemy import delete, select, update
from starlette.types import ASGIApp, Receive, Scope, Send

from shared.clock import Clock
from shared.db import Database, Transaction, insert_ignore
from shared.web.asgi import read_body, replayed, respond_problem
from shared.web.idempotency_keys import HeldAnswer, KeyedCall, header_values, in_progress, keyed_call, reused
from shared.web.identity import SCOPE_KEY
from shared.web.problems import Problem

_SAFE = frozenset(("GET", "HEAD", "OPTIONS", "TRACE"))
_LEASE = timedelta(seconds=30)


class _Undo(Exception):
    """Rolls the effect back: the handler refused, or another worker took the call over."""


class IdempotencyMiddleware:
    """Honours `Idempotency-Key` on unsafe calls of authenticated callers."""

    def __init__(self, app: ASGIApp, db: Database, clock: Clock, records: Any) -> None:
        """`records` is the part's idempotency table."""
        self._app = app
        self._db = db
        self._clock = clock
        self._table = records

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI: calls with a key are answered once, the others go on."""
        caller = scope.get(SCOPE_KEY)
        if scope["type"] != "http" or scope["method"] in _SAFE or caller is None:
            return await self._app(scope, receive, send)
        keys = header_values(scope)
        if not keys:
            return await self._app(scope, receive, send)
        try:
            body = await read_body(receive)
            call = keyed_call(caller, keys, scope, body)
            earlier = await self._begin(call)
        except Problem as problem:
            return await respond_problem(send, problem, scope.get("quanyu.request_id"))
        if earlier is not None:
            return await earlier.play(send, again=True)
        answer = await self._perform(call, scope, replayed(body, receive))
        await answer.play(send)

    async def _begin(self, call: KeyedCall) -> HeldAnswer | None:
        """The answer of an earlier call, or None when this call now holds the record."""
        now = self._clock.now()
        mine = (self._table.c.owner == call.owner) & (self._table.c.key == call.key)
        row = {
            "owner": call.owner,
            "key": call.key,
            "fingerprint": call.fingerprint,
            "token": call.token,
            "lease_until": now + _LEASE,
            "created_at": now,
        }
        async with self._db.write() as tx:
            if await insert_ignore(tx, self._table, [row]):
                return None
            found = (await tx.execute(select(self._table).where(mine))).one_or_none()
            if found is None:
                raise in_progress()  # just withdrawn by another call; the caller may come again
            if found.fingerprint != call.fingerprint:
                raise reused()
            if found.status is not None:
                return HeldAnswer.of(found.status, found.headers, found.body)
            free = mine & (self._table.c.token == found.token) & (self._table.c.lease_until < now)
            taken = update(self._table).where(free).values(token=call.token, lease_until=now + _LEASE)
            if (await tx.execute(taken)).rowcount:
                return None
        raise in_progress()

    async def _perform(self, call: KeyedCall, scope: Scope, receive: Receive) -> HeldAnswer:
        answer = HeldAnswer()
        try:
            async with self._db.joined() as tx:
                await self._app(scope, receive, answer.capture)
                if answer.status >= 400 or not await self._finish(tx, call, answer):
                    raise _Undo
        except _Undo:
            async with self._db.write() as tx:
                if answer.status >= 400 and answer.final:
                    await self._finish(tx, call, answer)
                else:
                    await self._withdraw(tx, call)
        except BaseException:
            async with self._db.write() as tx:
                await self._withdraw(tx, call)
            raise
        return answer

    async def _finish(self, tx: Transaction, call: KeyedCall, answer: HeldAnswer) -> bool:
        kept = answer.kept()
        values = {"status": kept.status, "headers": kept.texts(), "body": bytes(kept.body), "lease_until": None}
        return (await tx.execute(update(self._table).where(self._held(call)).values(**values))).rowcount > 0

    async def _withdraw(self, tx: Transaction, call: KeyedCall) -> None:
        await tx.execute(delete(self._table).where(self._held(call)))

    def _held(self, call: KeyedCall) -> Any:
        columns = self._table.c
        return (columns.owner == call.owner) & (columns.key == call.key) & (columns.token == call.token)
