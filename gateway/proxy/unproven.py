"""How much memory bodies may hold that are read before it is known who sent them: a key in a body, a signed delivery."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from starlette.types import Message, Receive

from gateway.proxy.exchange import Exchange
from shared.web import Unavailable, bucket_of

_MOST = 64 << 20
_OF_ADDRESS = 16 << 20


class UnprovenBodies:
    """One measure for all strangers, and a part of it for each address: who drips large bodies fills no machine."""

    def __init__(self) -> None:
        self._held = 0
        self._of_address: Counter[str] = Counter()

    @contextmanager
    def counted(self, exchange: Exchange, receive: Receive) -> Iterator[Receive]:
        """`receive` that stops when too much is held; what it handed out counts until the block ends."""
        bucket, mine = bucket_of(exchange.address), 0

        async def counting() -> Message:
            nonlocal mine
            message = await receive()
            size = len(message.get("body", b""))
            if self._held + size > _MOST or self._of_address[bucket] + size > _OF_ADDRESS:
                exchange.overflow = _busy()
                return {"type": "http.disconnect"}
            mine += size
            self._held += size
            self._of_address[bucket] += size
            return message

        try:
            yield counting
        finally:
            self._held -= mine
            self._of_address[bucket] -= mine
            if not self._of_address[bucket]:
                del self._of_address[bucket]


def _busy() -> Unavailable:
    detail = "Too many bodies without a key in their headers are on their way. Try again in a second, or send it in a header."
    return Unavailable("busy", detail, headers={"Retry-After": "1"})
