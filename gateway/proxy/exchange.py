"""One request and its answer: what is known of it so far, the answer's extra headers, its one line in the access log."""

import time
from collections.abc import Awaitable, Callable
from functools import lru_cache

from starlette.types import Message, Receive, Scope, Send

from gateway.metrics import REQUEST_SECONDS
from gateway.proxy.access_log import AccessLog
from gateway.routes import Route
from shared.web import Caller, Problem, TooLarge
from shared.web.asgi import STREAM, is_stream, respond_problem
from shared.web.costs import COST_HEADER

HeaderPairs = list[tuple[bytes, bytes]]
_seconds = lru_cache(maxsize=4096)(REQUEST_SECONDS.labels)


class Exchange:
    """Wraps `send`, so that every answer carries the request id and what the gateway has to say."""

    __slots__ = (
        "_send",
        "address",
        "caller",
        "charge",
        "extra",
        "note",
        "overflow",
        "request_id",
        "route",
        "scope",
        "started",
        "status",
        "used",
    )

    def __init__(self, scope: Scope, send: Send, request_id: str) -> None:
        self.scope = scope
        self._send = send
        self.request_id = request_id
        self.started = time.perf_counter()
        self.address = scope["client"][0] if scope.get("client") else ""
        self.route: Route | None = None
        self.caller: Caller | None = None
        self.extra: HeaderPairs = []
        self.charge: Callable[[int], Awaitable[HeaderPairs]] | None = None
        """Counts that the call turned out to cost more; answers the headers that now are true."""
        self.used: Callable[[str, str, int], None] | None = None
        """Counts the call for its key: the operation's method and template, status."""
        self.status = 0
        self.note: str | None = None
        self.overflow: Problem | None = None
        """Why no more of the body is read."""

    async def send(self, message: Message) -> None:
        """The answer's way out. After a body over the limit nothing of the part's own answer goes on."""
        if message["type"] == "http.response.start":
            if self.overflow is not None:
                return
            self.status = message["status"]
            headers = []
            for pair in message.get("headers", ()):
                if pair[0] == COST_HEADER:
                    await self._count_cost(pair[1])
                elif pair[0] != b"x-request-id":
                    headers.append(pair)
            self.scope[STREAM] = is_stream(headers)
            message["headers"] = [*headers, (b"x-request-id", self.request_id.encode()), *self.extra]
        elif self.overflow is not None and not self.status:
            return
        elif self.scope["method"] == "HEAD":
            message = {**message, "body": b""}
        await self._send(message)

    async def _count_cost(self, cost: bytes) -> None:
        """Charge a call that carries many things with those that its turn did not count."""
        if self.charge is not None and (more := int(cost) - 1) > 0:
            told = await self.charge(more)
            names = {name for name, _ in told}
            self.extra = [*(pair for pair in self.extra if pair[0] not in names), *told]

    async def refuse(self, problem: Problem) -> None:
        """Answer with a problem document."""
        self.overflow = None
        own = {name.lower().encode() for name in problem.headers}
        self.extra = [pair for pair in self.extra if pair[0] not in own]
        await respond_problem(self.send, problem, self.request_id)

    async def answer_preflight(self, told: HeaderPairs) -> None:
        """Answer a browser that asks before it sends."""
        await self.send({"type": "http.response.start", "status": 204, "headers": told})
        await self.send({"type": "http.response.body", "body": b""})

    def limited(self, receive: Receive, most: int) -> Receive:
        """`receive` that stops at `most` bytes; the part then sees a caller that went away."""
        total = 0

        async def counted() -> Message:
            nonlocal total
            message = await receive()
            total += len(message.get("body", b""))
            if total > most:
                self.overflow = too_large(most)
                return {"type": "http.disconnect"}
            return message

        return counted

    def finish(self, log: AccessLog) -> None:
        """Count the request and write its line."""
        seconds = time.perf_counter() - self.started
        template = self.route.template if self.route else "unmatched"
        method = self.scope["method"] if self.route else "other"
        status = self.status or 499
        _seconds(method, template, str(status)).observe(seconds)
        if self.used is not None:
            self.used(self.route.method if self.route else "", template, status)
        if not log.enabled:
            return
        line: list[tuple[str, str | int | float]] = [
            ("method", method),
            ("route", template),
            ("status", status),
            ("ms", round(seconds * 1000, 2)),
            ("request_id", self.request_id),
        ]
        if self.route is not None:
            line.append(("upstream", self.route.service))
        if self.caller is not None:
            line += [("key_id", self.caller.key_id), ("owner_id", self.caller.owner_id)]
        if self.note is not None:
            line.append(("refused", self.note))
        log.add(line)


def too_large(most: int) -> TooLarge:
    """The 413 of a body over the limit."""
    return TooLarge("body_too_large", f"The body is over the limit of {most} bytes. Send less at a time.", limit=most)
