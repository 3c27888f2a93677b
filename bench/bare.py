"""The yardstick of the hot paths: what they do durably, behind bare Starlette and asyncpg, and nothing else.

No keys, limits, checks, idempotency, metrics, consumers: one transaction for all that wait, which moves the counter, stores a
row with a code (or a reservation with its line), a row of the ledger each, and one pack for the outbox. Run by `servers.bare`:

    BARE_URL=postgresql://… uvicorn bench.bare:app --loop uvloop --http httptools --no-access-log
"""

import asyncio
import json
import os
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

_MOST = 256
_TABLES = """
CREATE TABLE template (id int PRIMARY KEY, issued int NOT NULL, total int NOT NULL, CHECK (issued <= total));
INSERT INTO template VALUES (1, 0, 2000000000);
CREATE TABLE coupon (id text PRIMARY KEY, template_id int, customer text, code text UNIQUE, status text,
    valid_until timestamptz, created timestamptz, UNIQUE (template_id, customer));
CREATE TABLE ledger (id bigserial PRIMARY KEY, coupon_id text, step int, kind text, actor text, at timestamptz,
    UNIQUE (coupon_id, step));
CREATE TABLE level (id int PRIMARY KEY, available bigint NOT NULL, reserved bigint NOT NULL, CHECK (available >= 0));
INSERT INTO level VALUES (1, 2000000000, 0);
CREATE TABLE reservation (id text PRIMARY KEY, order_id text UNIQUE, status text, expires_at timestamptz, created timestamptz);
CREATE TABLE line (reservation_id text, line_no int, level_id int, quantity bigint, PRIMARY KEY (reservation_id, line_no));
CREATE TABLE movement (id bigserial PRIMARY KEY, level_id int, reservation_id text, kind text, quantity bigint,
    at timestamptz);
CREATE TABLE outbox (seq bigserial PRIMARY KEY, name text, body text, at timestamptz)
"""
_CLAIMS = """
WITH won AS (UPDATE template SET issued = issued + $1 WHERE id = 1 AND issued + $1 <= total RETURNING 1),
    made AS (INSERT INTO coupon
        SELECT i, 1, w, k, 'issued', now() + interval '7 days', now()
        FROM unnest($2::text[], $3::text[], $4::text[]) t(i, w, k), won
        ON CONFLICT DO NOTHING RETURNING id),
    told AS (INSERT INTO ledger (coupon_id, step, kind, actor, at) SELECT id, 1, 'issued', 'key', now() FROM made),
    sent AS (INSERT INTO outbox (name, body, at) VALUES ('coupon.issued', $5, now()))
SELECT id FROM made
"""
_RESERVATIONS = """
WITH won AS (UPDATE level SET available = available - $1, reserved = reserved + $1 WHERE id = 1 AND available >= $1 RETURNING 1),
    made AS (INSERT INTO reservation
        SELECT i, w, 'held', now() + interval '15 minutes', now() FROM unnest($2::text[], $3::text[], $4::text[]) t(i, w, k), won
        ON CONFLICT DO NOTHING RETURNING id),
    lines AS (INSERT INTO line SELECT id, 0, 1, 1 FROM made),
    told AS (INSERT INTO movement (level_id, reservation_id, kind, quantity, at) SELECT 1, id, 'hold', 1, now() FROM made),
    sent AS (INSERT INTO outbox (name, body, at) VALUES ('reservation.held', $5, now()))
SELECT id FROM made
"""


class _Group:
    """Everything that waits goes into one statement."""

    def __init__(self, statement: str, event: str) -> None:
        self._statement = statement
        self._event = event
        self._waiting: list[tuple[str, asyncio.Future[tuple[bool, str, str]]]] = []
        self._wake = asyncio.Event()

    async def submit(self, who: str) -> tuple[bool, str, str]:
        future: asyncio.Future[tuple[bool, str, str]] = asyncio.get_running_loop().create_future()
        self._waiting.append((who, future))
        self._wake.set()
        return await future

    async def run(self, connection: Any) -> None:
        while True:
            await self._wake.wait()
            batch, self._waiting = self._waiting[:_MOST], self._waiting[_MOST:]
            if not self._waiting:
                self._wake.clear()
            ids, codes = ["one_" + secrets.token_hex(13) for _ in batch], [secrets.token_hex(7) for _ in batch]
            who = [asked for asked, _ in batch]
            body = json.dumps([self._told(*told) for told in zip(ids, who, codes, strict=True)])
            stored = {row[0] for row in await connection.fetch(self._statement, len(batch), ids, who, codes, body)}
            for (_, future), one, code in zip(batch, ids, codes, strict=True):
                future.set_result((one in stored, one, code))

    def _told(self, one: str, who: str, code: str) -> dict[str, Any]:
        payload = {"customer_id": who, "code": code, "coupon_id": one, "template_id": "tpl_1"}
        return {"id": one, "name": self._event, "version": 1, "occurred_at": time.time(), "payload": payload}


_claims, _reservations = _Group(_CLAIMS, "coupon.issued"), _Group(_RESERVATIONS, "reservation.held")


@asynccontextmanager
async def _life(_app: Starlette) -> AsyncIterator[None]:
    connections = [await asyncpg.connect(os.environ["BARE_URL"]) for _ in range(2)]
    await connections[0].execute(_TABLES)
    tasks = [
        asyncio.create_task(group.run(connection))
        for group, connection in zip((_claims, _reservations), connections, strict=True)
    ]
    yield
    for task in tasks:
        task.cancel()
    for connection in connections:
        await connection.close()


def _answering(group: _Group, who: str) -> Callable[[Request], Awaitable[Response]]:
    async def answer(request: Request) -> Response:
        stored, one, code = await group.submit(json.loads(await request.body())[who])
        shown = {"id": one, "code": code, "status": "issued", "template_id": "tpl_1"}
        return Response(json.dumps(shown).encode(), 201 if stored else 409, media_type="application/json")

    return answer


async def _ready(_request: Request) -> Response:
    return Response(b"")


app = Starlette(
    routes=[
        Route("/readyz", _ready),
        Route("/v1/coupon-templates/{id}/claims", _answering(_claims, "customer_id"), methods=["POST"]),
        Route("/v1/reservations", _answering(_reservations, "order_id"), methods=["POST"]),
    ],
    lifespan=_life,
)
