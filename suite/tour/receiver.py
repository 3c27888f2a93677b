"""A partner's webhook endpoint on this machine: keeps what comes and checks each signature."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import orjson

from shared.language import say
from shared.webhooks import SignatureInvalid, verify
from suite.door.limits import Limits
from suite.errors import Stop
from suite.server import Server


@dataclass(frozen=True)
class Delivery:
    """One POST as it came in; `headers` has lower-case names."""

    headers: dict[str, str]
    body: bytes
    document: dict[str, Any]

    @property
    def event_id(self) -> str:
        """The id that a repeated delivery has in common with the first."""
        return self.headers.get("webhook-id", "")


@dataclass
class Receiver:
    """`secret` is set once the endpoint is registered; deliveries that it does not prove are kept apart."""

    url: str
    secret: str = ""
    deliveries: list[Delivery] = field(default_factory=list)
    forged: list[str] = field(default_factory=list)

    def of(self, event_type: str, **data: object) -> list[Delivery]:
        """The deliveries of a type whose data have these values."""
        return [
            one
            for one in self.deliveries
            if one.document.get("type") == event_type
            and all(one.document.get("data", {}).get(name) == value for name, value in data.items())
        ]

    def take(self, headers: dict[str, str], body: bytes) -> int:
        """Check and keep one delivery; the status to answer."""
        try:
            verify([self.secret], headers, body, datetime.now(UTC))
        except (SignatureInvalid, ValueError) as error:
            self.forged.append(str(error))
            return 401
        self.deliveries.append(Delivery(headers, body, orjson.loads(body)))
        return 204


@asynccontextmanager
async def open_receiver(port: int = 0) -> AsyncIterator[Receiver]:
    """A receiver on this port of this machine, or on any free one, for the length of the block. Raises Stop."""
    with socket.socket() as address:
        address.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            address.bind(("127.0.0.1", port))
        except OSError as error:
            raise Stop(
                say(
                    f"The tour's partner can't listen on port {port}: {error.strerror}. Choose another with QUANYU_TOUR_PORT, "
                    "for the suite (`serve --demo`) and the tour alike.",
                    f"演示中的合作方无法监听端口 {port}：{error.strerror}。请用 QUANYU_TOUR_PORT 另选一个，"
                    "套件（`serve --demo`）与演示须一致。",
                )
            ) from None
        receiver = Receiver(f"http://127.0.0.1:{address.getsockname()[1]}/hooks")

        async def app(scope: Any, receive: Any, send: Any) -> None:
            body, more = b"", True
            while more:
                message = await receive()
                body += message.get("body", b"")
                more = message.get("more_body", False)
            headers = {name.decode().lower(): value.decode("latin-1") for name, value in scope["headers"]}
            await send({"type": "http.response.start", "status": receiver.take(headers, body), "headers": []})
            await send({"type": "http.response.body"})

        server = Server(app, Limits())
        serving = asyncio.create_task(server.serve(sockets=[address]))
        await server.up.wait()
        try:
            yield receiver
        finally:
            server.should_exit = True
            await serving
