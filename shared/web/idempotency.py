"""Idempotency keys: the same key and body get the first answer again, and the effect happens once.

The record is begun in a short transaction of its own (so that a second call sees it at once) and finished in the very
transaction of the effect: a crash between them leaves neither. A record whose worker died may be taken over after its lease.
"""

import hashlib
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from sqlalchemy import delete, select, update
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.clock import Clock
from shared.db import Database, Transaction, insert_ignore
from shared.ids import new_id
from shared.web.asgi import read_body, replayed, respond_problem
from shared.web.identity import SCOPE_KEY, Caller
from shared.web.problems import MEDIA_TYPE, BadRequest, Conflict, Problem, Unprocessable

_SAFE = frozenset(("GET", "HEAD", "OPTIONS", "TRACE"))
_LEASE = timedelta(seconds=30)
_NOT_FINAL = frozenset((401, 403, 408, 409, 429))
_KEPT_HEADERS = frozenset((b"content-type", b"location", b"etag", b"link"))


@dataclass
class _Answer:
    """A response that is held back until its transaction is durable."""

    status: int = 500
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)
    body: bytearray = field(default_factory=bytearray)

    async def capture(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.headers = [(bytes(key).lower(), bytes(value)) for key, value in message.get("headers", [])]
        elif message["type"] == "http.response.body":
            self.body += message.get("body", b"")

    async def play(self, send: Send, *extra: tuple[bytes, bytes]) -> None:
        headers = [pair for pair in self.headers if pair[0] != b"content-length"]
        headers.append((b"content-length", str(len(self.body)).encode()))
        await send({"type": "http.response.start", "status": self.status, "headers": [*headers, *extra]})
        await send({"type": "http.response.body", "body": bytes(self.body)})


@dataclass(frozen=True)
class _Call:
    owner: str
    key: str
    fingerprint: str
    token: str


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
        keys = [value.decode("latin-1") for name, value in scope["headers"] if name == b"idempotency-key"]
        if not keys:
            return await self._app(scope, receive, send)
        try:
            key = _key(keys)
            body = await read_body(receive)
            call = _call(caller, key, scope, body)
            earlier = await self._begin(call)
        except Problem as problem:
            return await respond_problem(send, problem, scope.get("quanyu.request_id"))
        if earlier is not None:
            return await earlier.play(send, (b"idempotent-replayed", b"true"))
        answer = await self._perform(call, scope, replayed(body, receive))
        await answer.play(send)

    async def _begin(self, call: _Call) -> _Answer | None:
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
                raise _in_progress()  # just withdrawn by another call; the caller may come again
            if found.fingerprint != call.fingerprint:
                raise Unprocessable(
                    "idempotency_key_reused",
                    "This Idempotency-Key was used for another request. Make a new one.",
                )
            if found.status is not None:
                headers = [(key.encode("latin-1"), value.encode("latin-1")) for key, value in found.headers]
                return _Answer(found.status, headers, bytearray(found.body))
            free = mine & (self._table.c.token == found.token) & (self._table.c.lease_until < now)
            taken = update(self._table).where(free).values(token=call.token, lease_until=now + _LEASE)
            if (await tx.execute(taken)).rowcount:
                return None
        raise _in_progress()

    async def _perform(self, call: _Call, scope: Scope, receive: Receive) -> _Answer:
        answer = _Answer()
        try:
            async with self._db.joined() as tx:
                await self._app(scope, receive, answer.capture)
                if answer.status >= 400 or not await self._finish(tx, call, answer):
                    raise _Undo
        except _Undo:
            async with self._db.write() as tx:
                if 400 <= answer.status < 500 and answer.status not in _NOT_FINAL:
                    await self._finish(tx, call, answer)
                else:
                    await self._withdraw(tx, call)
        except BaseException:
            async with self._db.write() as tx:
                await self._withdraw(tx, call)
            raise
        return answer

    async def _finish(self, tx: Transaction, call: _Call, answer: _Answer) -> bool:
        if (b"cache-control", b"no-store") in answer.headers:
            answer = _not_kept()
        kept = [
            (key.decode("latin-1"), value.decode("latin-1")) for key, value in answer.headers if key in _KEPT_HEADERS
        ]
        values = {"status": answer.status, "headers": kept, "body": bytes(answer.body), "lease_until": None}
        return (await tx.execute(update(self._table).where(self._held(call)).values(**values))).rowcount > 0

    async def _withdraw(self, tx: Transaction, call: _Call) -> None:
        await tx.execute(delete(self._table).where(self._held(call)))

    def _held(self, call: _Call) -> Any:
        columns = self._table.c
        return (columns.owner == call.owner) & (columns.key == call.key) & (columns.token == call.token)


def _not_kept() -> _Answer:
    """What a repeated call gets when the first answer held a secret (`Cache-Control: no-store`): it is nowhere stored."""
    problem = Conflict(
        "answer_not_kept",
        "This call succeeded before. Its answer held a secret that is shown once; if it is lost, rotate it.",
    )
    return _Answer(problem.status, [(b"content-type", MEDIA_TYPE.encode())], bytearray(problem.body(None)))


def _in_progress() -> Conflict:
    return Conflict(
        "idempotency_in_progress",
        "The first call with this Idempotency-Key is still running.",
        headers={"Retry-After": "1"},
    )


def _key(values: list[str]) -> str:
    """The one key, quotes off. Two are refused, equal ones too: who reads the first and who the last must agree."""
    if len(values) > 1:
        raise BadRequest("two_idempotency_keys", "Send one Idempotency-Key, once.")
    value = values[0]
    quoted = len(value) >= 2 and value[0] == value[-1] == '"'
    key = value[1:-1] if quoted else value
    if quoted and '"' in key:  # what a proxy makes of two
        raise BadRequest("two_idempotency_keys", "Send one Idempotency-Key, without quotes inside.")
    if not 1 <= len(key) <= 255 or not key.isascii() or not key.isprintable():
        raise BadRequest("invalid_idempotency_key", "Send 1 to 255 printable ASCII characters as Idempotency-Key.")
    return key


def _call(caller: Caller, key: str, scope: Scope, body: bytes) -> _Call:
    digest = hashlib.sha256()
    for part in (
        scope["method"].encode(),
        scope.get("raw_path") or scope["path"].encode(),
        scope.get("query_string", b""),
        body,
    ):
        digest.update(len(part).to_bytes(8, "big") + part)
    return _Call(_whose(caller), key, digest.hexdigest(), new_id("idm"))


def _whose(caller: Caller) -> str:
    """Whose keys they are: an owner's, apart for each kind of key, as a publishable one is in every visitor's hands, and for
    each end-user (whose id may be as long as the column)."""
    of = f"{caller.owner_id}:{caller.kind}"
    return of if caller.customer_id is None else f"{of}:{hashlib.sha256(caller.customer_id.encode()).hexdigest()}"
