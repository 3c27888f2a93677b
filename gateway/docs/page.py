"""What the portal answers from memory: its bytes, compressed once, and a tag by which a caller knows that nothing changed."""

import gzip
import hashlib
from dataclasses import dataclass
from functools import cached_property

from starlette.types import Scope, Send

from shared.web.asgi import Headers, header, respond


@dataclass(frozen=True)
class Page:
    """One answer. Pages whose `packs` is False are too short to be compressed; `varies` names what the choice of it hung on."""

    body: bytes
    media_type: str
    headers: tuple[tuple[bytes, bytes], ...] = ()
    packs: bool = True
    varies: bytes = b"accept-encoding"

    @cached_property
    def tag(self) -> str:
        """The entity tag: weak, since the compressed bytes are another form of the same."""
        return f'W/"{hashlib.sha256(self.body).hexdigest()[:32]}"'

    @cached_property
    def packed(self) -> bytes:
        """The body as gzip."""
        return gzip.compress(self.body, 6, mtime=0)

    async def give(self, scope: Scope, send: Send) -> None:
        """Answer with it, or with 304 to a caller that has it."""
        told: Headers = [*self.headers, (b"etag", self.tag.encode()), (b"vary", self.varies)]
        if self._known(header(scope, b"if-none-match")):
            await send({"type": "http.response.start", "status": 304, "headers": told})
            return await send({"type": "http.response.body", "body": b""})
        if self.packs and "gzip" in (header(scope, b"accept-encoding") or ""):
            return await respond(send, 200, self.packed, self.media_type, [*told, (b"content-encoding", b"gzip")])
        await respond(send, 200, self.body, self.media_type, told)

    def _known(self, tags: str | None) -> bool:
        return tags is not None and any(one.strip() in (self.tag, self.tag[2:], "*") for one in tags.split(","))
