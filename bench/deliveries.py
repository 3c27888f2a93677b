"""Webhooks out: deliveries per second from a full table to the last attempt on record, to a sink on this machine.

The gateway's own worker claims, signs, sends and records, in one process; the sink, in another, answers 200 to whatever
comes. With one endpoint, with fifty, and with fifty of which one takes connections and says nothing. Yardstick, in the same
run: a bare asyncio sender of bodies as long, signed the same way, on connections that are kept, which records nothing.
"""

import asyncio
import subprocess
import sys
import tempfile
import time
from contextlib import nullcontext
from statistics import median
from typing import Any

import uvloop

from bench.servers import database

ROUNDS = 3
DELIVERIES = 2_000
_SENDERS = 32
_READY = "ready"
_ANSWER = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"


class _Sink(asyncio.Protocol):
    """Answers each request as soon as its body is there."""

    silent = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport, self._held = transport, b""

    def data_received(self, data: bytes) -> None:
        held = self._held + data
        while not self.silent:
            head, separator, rest = held.partition(b"\r\n\r\n")
            if not separator:
                break
            length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0])
            if len(rest) < length:
                break
            self._transport.write(_ANSWER)  # type: ignore[attr-defined]
            held = rest[length:]
        self._held = held


class _Silent(_Sink):
    silent = True


async def _serve_sinks() -> None:
    loop = asyncio.get_running_loop()
    ports = [(await loop.create_server(kind, "127.0.0.1", 0)).sockets[0].getsockname()[1] for kind in (_Sink, _Silent)]
    print(*ports, flush=True)
    await loop.run_in_executor(None, sys.stdin.read)


class _Sender(asyncio.Protocol):
    """Sends one signed body after the other."""

    def __init__(self, body: bytes, secret: str, many: int) -> None:
        self._body, self._secret, self._left = body, secret, many
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self._next()

    def data_received(self, data: bytes) -> None:  # noqa: ARG002 - one packet is one answer of the sink
        self._next()

    def _next(self) -> None:
        from shared.clock import SystemClock
        from shared.webhooks import signed_headers

        if not self._left:
            return self.done.set_result(None)
        self._left -= 1
        headers = signed_headers([self._secret], f"evt_{self._left}", SystemClock().now(), self._body)
        head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        start = f"POST /hooks HTTP/1.1\r\nhost: sink\r\ncontent-length: {len(self._body)}\r\n{head}\r\n"
        self._transport.write(start.encode() + self._body)  # type: ignore[attr-defined]


async def _bare(port: int, body: bytes) -> float:
    from shared.webhooks import new_secret

    secret, loop, started = new_secret(), asyncio.get_running_loop(), time.perf_counter()
    senders = [_Sender(body, secret, 5 * DELIVERIES // _SENDERS) for _ in range(_SENDERS)]
    for sender in senders:
        await loop.create_connection(lambda sender=sender: sender, "127.0.0.1", port)  # type: ignore[misc]
    await asyncio.gather(*(sender.done for sender in senders))
    return _SENDERS * (5 * DELIVERIES // _SENDERS) / (time.perf_counter() - started)


class _Bench:
    """A gateway without anything behind it, whose worker sends."""

    def __init__(self, gateway: Any, ports: tuple[int, int]) -> None:
        self._gateway, self._ports = gateway, ports
        self._round = 0

    async def endpoints(self, many: int, silent: int) -> list[str]:
        from sqlalchemy import insert

        from gateway import rotation
        from gateway.webhooks_out.models import Endpoint
        from shared.web.identity import MERCHANT
        from shared.webhooks import new_secret

        now = self._gateway.kit.clock.now()
        rows = [
            {
                "id": f"whe_{many}_{silent}_{at:03}",
                "owner_id": MERCHANT,
                "url": f"http://127.0.0.1:{self._ports[at < silent]}/hooks",
                "events": ["coupon.redeemed"],
                "scopes": ["*"],
                "secrets": rotation.first(new_secret()),
                "status": "enabled",
                "standing": "unproven" if at < silent else "quick",
                "created_at": now,
                "changed_at": now,
            }
            for at in range(many)
        ]
        async with self._gateway.kit.db.write() as tx:
            await tx.run(insert(Endpoint.table).values(rows))
        return [str(row["id"]) for row in rows]

    async def rate(self, endpoints: list[str], silent: int, body: bytes) -> tuple[float, float]:
        """Deliveries a second of those that are answered, and processor milliseconds of each."""
        from sqlalchemy import func, select

        from gateway.webhooks_out.models import Delivery, WebhookEvent
        from shared.db import insert_ignore
        from shared.ids import new_id

        self._round += 1
        db, now = self._gateway.kit.db, self._gateway.kit.clock.now()
        each = DELIVERIES // len(endpoints)
        events = [f"evt_{self._round}_{len(endpoints)}_{silent}_{number}" for number in range(each)]
        fixed = {"event_type": "coupon.redeemed", "created_at": now}
        due = fixed | {"status": "pending", "attempts": 0, "round": 0, "next_attempt_at": now}
        stored = [{"id": one, "type": "coupon.redeemed", "body": body, "created_at": now} for one in events]
        rows = [due | {"id": new_id("whd"), "endpoint_id": to, "event_id": one} for one in events for to in endpoints]
        async with db.write() as tx:
            await insert_ignore(tx, WebhookEvent.table, stored)
            for first in range(0, len(rows), 1_000):
                await insert_ignore(tx, Delivery.table, rows[first : first + 1_000])
        self._gateway.webhooks_out.worker.wake.set()
        started, used = time.perf_counter(), time.process_time()
        wanted = each * (len(endpoints) - silent)
        answered = (Delivery.c.status == "delivered") & (Delivery.c.event_id.like(f"evt_{self._round}_%"))
        while True:
            async with db.read() as tx:
                if (await tx.scalar(select(func.count()).where(answered))) == wanted:
                    took, used = time.perf_counter() - started, time.process_time() - used
                    return wanted / took, 1000 * used / wanted
            await asyncio.sleep(0.05)


async def _measure(url: str, folder: str, ports: tuple[int, int], body: bytes) -> dict[str, tuple[float, float, float]]:
    from gateway.app import create_gateway
    from gateway.keys.management import new_key
    from gateway.settings import GatewaySettings
    from shared.clock import SystemClock
    from shared.db import Database
    from shared.messaging import LocalBus

    flags: dict[str, Any] = {"data_dir": folder, "admin_key": new_key("secret"), "webhooks_allow_private": True}
    if url:
        flags["database_url"] = url
    rates: dict[str, tuple[float, float, float]] = {}
    clock = SystemClock()
    bus = LocalBus(Database(f"sqlite:///{folder}/bus.db", schema="bus"), clock)
    gateway = create_gateway(GatewaySettings(**flags), bus, clock, {})
    await bus.start()
    async with gateway.running():
        bench = _Bench(gateway, ports)
        for what, many, silent in (("one endpoint", 1, 0), ("fifty", 50, 0), ("fifty, one of them silent", 50, 1)):
            endpoints = await bench.endpoints(many, silent)
            rounds = [(await bench.rate(endpoints, silent, body), await _bare(ports[0], body)) for _ in range(ROUNDS)]
            rates[what] = (
                median(own for (own, _), _ in rounds),
                median(cpu for (_, cpu), _ in rounds),
                median(bare for _, bare in rounds),
            )
    await bus.stop()
    return rates


def main() -> list[str]:
    """Rows of the results table."""
    from shared.observability.logging import configure_logging

    configure_logging("console", "warning")
    body = b'{"type":"coupon.redeemed","timestamp":"2026-11-11T02:00:00Z","data":{"note":"' + b"x" * 400 + b'"}}'
    rows = []
    with subprocess.Popen(
        [sys.executable, "-m", "bench.deliveries", "sink"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as sink:
        assert sink.stdout is not None
        first, second = (int(port) for port in sink.stdout.readline().split())
        for backend in ("PostgreSQL", "SQLite"):
            with (
                database() if backend == "PostgreSQL" else nullcontext("") as url,
                tempfile.TemporaryDirectory() as folder,
            ):
                found = uvloop.run(_measure(url, folder, (first, second), body))
            rows += [
                f"| {what} | {backend} | {own:,.0f}/s | {cpu:.2f} | {bare:,.0f}/s | {own / bare:.3f} |"
                for what, (own, cpu, bare) in found.items()
            ]
    print("\n".join(rows))
    return rows


if __name__ == "__main__":
    uvloop.run(_serve_sinks()) if sys.argv[1:] == ["sink"] else main()
