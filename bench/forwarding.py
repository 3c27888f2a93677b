"""The gateway's own HTTP client beside aiohttp's and nginx, over HTTP (docs/adr/0010-gateway-http-client.md).

A client with 32 connections calls a part that answers at once, through a proxy that does nothing but forward: the same uvicorn
with either client, or nginx. A call takes 1 kB one way. `CPU` is what the proxy's process used of its processor for a call,
`of the client` that without what the same uvicorn needs to answer by itself. The ratios are medians of paired rounds.
"""

import asyncio
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median
from typing import Any

import aiohttp
import uvicorn
import uvloop
from starlette.types import ASGIApp, Receive, Scope, Send
from yarl import URL

from bench import load
from bench.servers import ROOT, free_port
from gateway.forwarding.http import HttpForwarder
from gateway.forwarding.pool import Bounds
from gateway.forwarding.port import Forwarded, Forwarder

ROUNDS = 9
CALLS = 3_000
CONNECTIONS = 32
ANSWER = b'{"data":"' + b"x" * 1_000 + b'"}'
KINDS = ("bare", "ours", "aiohttp", "nginx")
NAMES = {
    "bare": "uvicorn that answers by itself (yardstick)",
    "ours": "uvicorn with the gateway's client",
    "aiohttp": "uvicorn with aiohttp's client",
    "nginx": "nginx, one worker",
}
_NOT_FORWARDED = frozenset((b"connection", b"keep-alive", b"transfer-encoding", b"date", b"server"))
_NGINX = """
daemon off; master_process off; pid {folder}/pid; error_log {folder}/error.log;
events {{ worker_connections 512; }}
http {{
  access_log off; client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s; keepalive_requests 1000000;
  upstream part {{ server 127.0.0.1:{upstream}; keepalive 100; keepalive_requests 1000000; }}
  server {{
    listen 127.0.0.1:{port};
    location / {{ proxy_pass http://part; proxy_http_version 1.1; proxy_set_header Connection ""; }}
  }}
}}
"""


class AiohttpForwarder:
    """The same port by aiohttp: streams both ways, decodes nothing, and ends the call when the caller goes away."""

    in_process = False

    def __init__(self, base_url: str) -> None:
        self._base = base_url
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=100, keepalive_timeout=60),
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=2.0, sock_read=30.0),
            skip_auto_headers=("User-Agent", "Accept", "Accept-Encoding", "Content-Type"),
            auto_decompress=False,
        )

    async def forward(self, request: Forwarded, receive: Receive, send: Send) -> None:
        target = request.raw_path + (b"?" + request.query if request.query else b"")
        first = await receive()
        sent = asyncio.Event()
        data: bytes | AsyncIterator[bytes] | None = None
        if first.get("more_body", False):
            data = _body(first, receive, sent)
        else:
            data = first["body"] or None
            sent.set()
        watch = asyncio.create_task(_until_gone(receive, sent, asyncio.current_task()))
        try:
            async with self._session.request(
                request.method,
                URL(self._base + target.decode("ascii"), encoded=True),
                headers=[(name.decode("latin-1"), value.decode("latin-1")) for name, value in request.headers],
                data=data,
                allow_redirects=False,
            ) as answer:
                headers = [(name.lower(), value) for name, value in answer.raw_headers]
                headers = [pair for pair in headers if pair[0] not in _NOT_FORWARDED]
                await send({"type": "http.response.start", "status": answer.status, "headers": headers})
                async for chunk in answer.content.iter_any():
                    await send({"type": "http.response.body", "body": chunk, "more_body": True})
                watch.cancel()  # the end of the answer looks like a caller that went away
                await send({"type": "http.response.body", "body": b"", "more_body": False})
        finally:
            watch.cancel()

    async def aclose(self) -> None:
        await self._session.close()


async def _body(first: Any, receive: Receive, sent: asyncio.Event) -> AsyncIterator[bytes]:
    message = first
    while message.get("more_body", False):
        yield message["body"]
        message = await receive()
    yield message.get("body", b"")
    sent.set()


async def _until_gone(receive: Receive, sent: asyncio.Event, call: "asyncio.Task[Any] | None") -> None:
    await sent.wait()
    while (await receive())["type"] != "http.disconnect":
        pass  # nothing else can come after the body
    if call is not None:
        call.cancel()


def _proxy(forwarder: Forwarder) -> ASGIApp:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        headers = [pair for pair in scope["headers"] if pair[0] not in (b"host", b"connection")]
        has_body = any(name == b"content-length" and value != b"0" for name, value in headers)
        path: bytes = scope["raw_path"]
        query: bytes = scope["query_string"]
        request = Forwarded(scope["method"], path, query, headers, None, "", "", has_body, scope)
        await forwarder.forward(request, receive, send)

    return app


async def _bare(_scope: Scope, receive: Receive, send: Send) -> None:
    while (await receive()).get("more_body", False):
        pass
    head = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(ANSWER))]
    await send({"type": "http.response.start", "status": 200, "headers": head})
    await send({"type": "http.response.body", "body": ANSWER})


class _Part(asyncio.Protocol):
    """Answers whatever is asked, as cheaply as can be, so that the proxy is what is measured."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: Any = transport
        self._buffer = b""

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while (end := self._buffer.find(b"\r\n\r\n")) >= 0:
            head = self._buffer[:end].lower()
            at = head.find(b"content-length:")
            length = int(head[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
            if len(self._buffer) < end + 4 + length:
                return
            self._buffer = self._buffer[end + 4 + length :]
            self._transport.write(
                b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%b"
                % (len(ANSWER), ANSWER)
            )


async def _serve(kind: str, port: int, upstream: int) -> None:
    if kind == "part":
        server = await asyncio.get_running_loop().create_server(_Part, "127.0.0.1", port)
        await server.serve_forever()
    url = f"http://127.0.0.1:{upstream}"
    app: ASGIApp = _bare
    if kind == "ours":
        app = _proxy(HttpForwarder("part", [url], lambda _: [], Bounds()))
    elif kind == "aiohttp":
        app = _proxy(AiohttpForwarder(url))
    config = uvicorn.Config(
        app, port=port, loop="uvloop", http="httptools", lifespan="off", access_log=False, log_level="warning"
    )
    await uvicorn.Server(config).serve()


@contextmanager
def _running(command: list[str], port: int) -> Iterator[int]:
    """The pid of a server that listens on `port`."""
    process = subprocess.Popen(command, cwd=ROOT)
    try:
        for _ in range(200):
            try:
                asyncio.run(load.run(port, [load.request("GET", "/", "key")]))
                break
            except OSError:
                time.sleep(0.05)
        else:
            raise SystemExit(f"{command[-3:]} does not listen")
        yield process.pid
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(10)


def _cpu(pid: int) -> float:
    """Seconds that the process's one thread has been at work, to the nanosecond."""
    return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e9


def _round(port: int, pid: int, call: bytes) -> tuple[float, float]:
    """Calls a second, and processor seconds of the proxy for one call."""
    before = _cpu(pid)
    result = asyncio.run(load.run(port, [call] * CALLS, CONNECTIONS))
    assert set(result.statuses) == {200}, result.statuses
    return result.rate, (_cpu(pid) - before) / CALLS


def measure(calls: dict[str, bytes], kinds: list[str]) -> dict[str, dict[str, list[tuple[float, float]]]]:
    """What each round of each kind of proxy saw, by call."""
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        module = [sys.executable, "-m", "bench.forwarding"]
        upstream = free_port()
        stack.enter_context(_running([*module, "part", str(upstream), "0"], upstream))
        proxies = {}
        for kind in kinds:
            port = free_port()
            command = [*module, kind, str(port), str(upstream)]
            if kind == "nginx":
                config = Path(folder) / "nginx.conf"
                config.write_text(_NGINX.format(folder=folder, port=port, upstream=upstream))
                command = ["nginx", "-c", str(config), "-p", folder]
            proxies[kind] = (port, stack.enter_context(_running(command, port)))
        for port, pid in proxies.values():
            _round(port, pid, calls["GET"])  # connections, caches
        return {
            name: {kind: [row[kind] for row in rows] for kind in kinds}
            for name, call in calls.items()
            for rows in [[{kind: _round(*proxies[kind], call) for kind in kinds} for _ in range(ROUNDS)]]
        }


def main() -> list[str]:
    """Rows of the results table."""
    calls = {
        "GET": load.request("GET", "/v1/things?limit=20", "sk_0123456789abcdef"),
        "POST": load.request("POST", "/v1/things", "sk_0123456789abcdef", b"x" * 1_000),
    }
    kinds = [kind for kind in KINDS if kind != "nginx" or shutil.which("nginx")]
    rows = []
    for name, seen in measure(calls, kinds).items():
        for kind in kinds:
            rate = median(rate for rate, _ in seen[kind])
            cpu = median(cpu for _, cpu in seen[kind])
            slower = median(one[1] / ours[1] for one, ours in zip(seen[kind], seen["ours"], strict=True))
            alone = median(
                (one[1] - bare[1]) / (ours[1] - bare[1])
                for one, ours, bare in zip(seen[kind], seen["ours"], seen["bare"], strict=True)
            )
            client = f"{alone:.2f}" if kind in ("ours", "aiohttp") else ""
            rows.append(f"| {name}: {NAMES[kind]} | {rate:,.0f}/s | {cpu * 1e6:,.0f} µs | {slower:.2f} | {client} |")
    if "nginx" not in kinds:
        rows.append("| nginx: not installed | | | | |")
    print("\n".join(rows))
    return rows


if __name__ == "__main__":
    if len(sys.argv) == 4:
        uvloop.run(_serve(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))
    else:
        main()
