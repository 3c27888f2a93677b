"""Small helpers around the raw ASGI messages, for the hot paths that carry no framework."""

from collections.abc import Iterable
from typing import Any

from starlette.types import Receive, Scope, Send

from shared.web.problems import MEDIA_TYPE, Problem

Headers = Iterable[tuple[bytes, bytes]]


STREAM = "quanyu.stream"
"""In the scope of a request that is answered by an event stream, which has no end of its own."""


class ClientGone(Exception):
    """The caller disconnected before its request was read or its answer written."""


def header(scope: Scope, name: bytes) -> str | None:
    """The first header of that lower-case name."""
    for key, value in scope["headers"]:
        if key == name:
            text: str = value.decode("latin-1")
            return text
    return None


def is_stream(headers: Headers) -> bool:
    """True for the headers of an event stream (Server-Sent Events)."""
    return any(name == b"content-type" and value.startswith(b"text/event-stream") for name, value in headers)


async def read_body(receive: Receive) -> bytes:
    """The whole body. Raises ClientGone."""
    message = await receive()
    if message["type"] == "http.disconnect":
        raise ClientGone
    body: bytes = message.get("body", b"")
    if not message.get("more_body", False):
        return body
    chunks = [body]
    while message.get("more_body", False):
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        chunks.append(message.get("body", b""))
    return b"".join(chunks)


def replayed(body: bytes, receive: Receive) -> Receive:
    """A receive that hands out `body` again, then what the connection says."""
    sent = False

    async def again() -> Any:
        nonlocal sent
        if sent:
            return await receive()
        sent = True
        return {"type": "http.request", "body": body, "more_body": False}

    return again


async def respond(
    send: Send, status: int, body: bytes, media_type: str = "application/json", headers: Headers = ()
) -> None:
    """Send one whole answer."""
    await send(
        {
            "type": "http.response.start",
            "status": status,
            "headers": [
                (b"content-type", media_type.encode()),
                (b"content-length", str(len(body)).encode()),
                *headers,
            ],
        }
    )
    await send({"type": "http.response.body", "body": body})


async def respond_problem(send: Send, problem: Problem, request_id: str | None, headers: Headers = ()) -> None:
    """Send a problem document."""
    own = [(key.lower().encode("latin-1"), value.encode("latin-1")) for key, value in problem.headers.items()]
    await respond(send, problem.status, problem.body(request_id), MEDIA_TYPE, [*own, *headers])
