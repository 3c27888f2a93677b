"""Bodies on their way to a part: what is no larger than on most routes is waited for first."""

from typing import Any

from starlette.types import Receive

from gateway.route import MEBIBYTE

GATHERED = MEBIBYTE


async def gathered(receive: Receive) -> Any:
    """The body as one message, if it is no larger than those of most routes; else its beginning. Or the caller's leaving."""
    message = await receive()
    pieces, size = [message.get("body", b"")], len(message.get("body", b""))
    while message.get("more_body", False) and size <= GATHERED:
        message = await receive()
        if message["type"] == "http.disconnect":
            return message
        pieces.append(message.get("body", b""))
        size += len(pieces[-1])
    return message if len(pieces) == 1 else {**message, "body": b"".join(pieces)}


def begun_with(message: Any, receive: Receive) -> Receive:
    """A receive that hands out `message`, then what comes."""
    waiting = [message]

    async def again() -> Any:
        return waiting.pop() if waiting else await receive()

    return again
