"""The port to a part: one request, already authorised, and its answer. Two adapters: in this process, or over HTTP."""

from typing import NamedTuple, Protocol

from starlette.types import Receive, Scope, Send

from gateway.priorities import Priority
from shared.web import Caller

Headers = list[tuple[bytes, bytes]]


class Forwarded(NamedTuple):
    """A request on its way. `headers` are stripped of credentials, identity and hop-by-hop fields.

    `caller` is None for public routes. `has_body` is False when the request surely carries none.
    """

    method: str
    raw_path: bytes
    query: bytes
    headers: Headers
    caller: Caller | None
    request_id: str
    template: str
    has_body: bool
    scope: Scope
    priority: Priority = Priority.ALWAYS


class Forwarder(Protocol):
    """Hands a request to a part. Raises a Problem when the part gave no answer; after the answer began, never.

    When the part dies in the middle of its answer the answer stays incomplete, so that the server cuts the connection.
    """

    in_process: bool
    """The part runs in this process, and is well or unwell with it."""

    async def forward(self, request: Forwarded, receive: Receive, send: Send) -> None:
        """Hand one request on."""

    async def aclose(self) -> None:
        """Close what is open to the part."""
