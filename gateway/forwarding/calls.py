"""Calls that the gateway makes on its own account: is a part ready, what is its OpenAPI document."""

import asyncio
from urllib.parse import unquote

from starlette.types import Message

from gateway.forwarding.port import Forwarded, Forwarder
from shared.ids import new_id
from shared.web import Caller

_ITSELF = Caller("gateway", "gateway", "secret", ())
"""May do nothing; but what it asks is signed, so that a part which does not trust us can say so."""


async def call(forwarder: Forwarder, path: str, seconds: float = 3.0, caller: Caller = _ITSELF) -> tuple[int, bytes]:
    """GET `path`, as it is sent: status and body. Raises a Problem or TimeoutError when the part gives no answer."""
    status, body = 0, bytearray()
    begun = False

    async def receive() -> Message:
        nonlocal begun
        if begun:
            await asyncio.Event().wait()  # nobody disconnects from this call; its deadline ends it
        begun = True
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        nonlocal status
        if message["type"] == "http.response.start":
            status = message["status"]
        else:
            body.extend(message.get("body", b""))

    headers = [(b"accept", b"application/json")]
    request_id = new_id("req")
    raw_path = path.encode("ascii")
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": unquote(path),
        "raw_path": raw_path,
        "query_string": b"",
        "root_path": "",
        "headers": headers,
        "client": None,
        "server": None,
    }
    request = Forwarded("GET", raw_path, b"", headers, caller, request_id, path, False, scope)
    async with asyncio.timeout(seconds):
        await forwarder.forward(request, receive, send)
    return status, bytes(body)
