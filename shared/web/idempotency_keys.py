"""What a call with an Idempotency-Key is known by, and what is kept of its answer. Pure."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Generic, NamedTuple, TypeVar

from starlette.types import Message, Scope, Send

from shared.ids import new_id
from shared.web.identity import Caller
from shared.web.problems import MEDIA_TYPE, BadRequest, Conflict, Problem, Unprocessable

_NOT_FINAL = frozenset((401, 403, 408, 409, 429))
_KEPT_HEADERS = frozenset((b"content-type", b"location", b"etag", b"link"))

Q = TypeVar("Q")


@dataclass(frozen=True, slots=True)
class KeyedCall:
    """One call: whose key, the key, and a fingerprint of everything that it asks for. `token` marks this try at it."""

    owner: str
    key: str
    fingerprint: str
    token: str


class Submission(NamedTuple, Generic[Q]):
    """One request to a group, and the call under whose key it comes, if there is one. `status` is that of success."""

    request: Q
    call: KeyedCall | None = None
    status: int = 200
    request_id: str | None = None


@dataclass
class HeldAnswer:
    """A response that is held back until its transaction is durable."""

    status: int = 500
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)
    body: bytearray = field(default_factory=bytearray)

    @classmethod
    def of(cls, status: int, headers: Iterable[tuple[str, str]], body: bytes) -> "HeldAnswer":
        """One that was kept."""
        pairs = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers]
        return cls(status, pairs, bytearray(body))

    def texts(self) -> list[tuple[str, str]]:
        """The headers as they are kept."""
        return [(name.decode("latin-1"), value.decode("latin-1")) for name, value in self.headers]

    @property
    def final(self) -> bool:
        """False for a refusal that may be another one, or none, the next time: it is not kept."""
        return self.status < 500 and self.status not in _NOT_FINAL

    async def capture(self, message: Message) -> None:
        """Take a message in the place of whoever asks."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.headers = [(bytes(key).lower(), bytes(value)) for key, value in message.get("headers", [])]
        elif message["type"] == "http.response.body":
            self.body += message.get("body", b"")

    async def play(self, send: Send, *, again: bool = False) -> None:
        """Send it; `again`: it is told that this is a repeat."""
        headers = [pair for pair in self.headers if pair[0] != b"content-length"]
        headers.append((b"content-length", str(len(self.body)).encode()))
        if again:
            headers.append((b"idempotent-replayed", b"true"))
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        await send({"type": "http.response.body", "body": bytes(self.body)})

    def kept(self) -> "HeldAnswer":
        """What a repeated call gets: without what holds for one answer only, and without secrets (`no-store`)."""
        if (b"cache-control", b"no-store") in self.headers:
            return _not_kept()
        return HeldAnswer(self.status, [pair for pair in self.headers if pair[0] in _KEPT_HEADERS], self.body)


class Replayed(Exception):
    """In the place of a result: the call was answered before, like this."""

    def __init__(self, answer: HeldAnswer) -> None:
        super().__init__("answered before")
        self.answer = answer


def header_values(scope: Scope) -> list[str]:
    """The Idempotency-Key headers."""
    return [value.decode("latin-1") for name, value in scope["headers"] if name == b"idempotency-key"]


def keyed_call(caller: Caller, values: list[str], scope: Scope, body: bytes) -> KeyedCall:
    """The call of these headers. Raises BadRequest for two keys, or one that can't be read."""
    digest = hashlib.sha256()
    for part in (
        scope["method"].encode(),
        scope.get("raw_path") or scope["path"].encode(),
        scope.get("query_string", b""),
        body,
    ):
        digest.update(len(part).to_bytes(8, "big") + part)
    return KeyedCall(_whose(caller), _key(values), digest.hexdigest(), new_id("idm"))


def in_progress() -> Conflict:
    """The refusal while the first call runs."""
    return Conflict(
        "idempotency_in_progress",
        "The first call with this Idempotency-Key is still running.",
        headers={"Retry-After": "1"},
    )


def reused() -> Unprocessable:
    """The refusal of another request under the same key."""
    return Unprocessable("idempotency_key_reused", "This Idempotency-Key was used for another request. Make a new one.")


def refused(problem: Problem, request_id: str | None) -> HeldAnswer:
    """The answer that a problem is."""
    return HeldAnswer(problem.status, [(b"content-type", MEDIA_TYPE.encode())], bytearray(problem.body(request_id)))


def _not_kept() -> HeldAnswer:
    """What a repeated call gets when the first answer held a secret (`Cache-Control: no-store`): it is nowhere stored."""
    problem = Conflict(
        "answer_not_kept",
        "This call succeeded before. Its answer held a secret that is shown once; if it is lost, rotate it.",
    )
    return refused(problem, None)


def _key(values: list[str]) -> str:
    """The one key, quotes off. Two are refused, equal ones too: who reads the first and who the last must agree."""
    if len(values) > 1:
        raise BadRequest("two_idempotency_keys", "Send one Idempotency-Key, once.")
    value = values[0]
    quoted = len(value) >= 2 and value[0] == value[-1] == '"'
    key = value[1:-1] if quoted else value
    if quoted and '"' in key:  # what a proxy makes of two
        raise BadRequest("two_idempotency_keys", "Send one Idempotency-Key, without quotes inside.")
    if not 1 <= len(key) <= 255 or not key.isascii() or not key.isprintable():
        raise BadRequest("invalid_idempotency_key", "Send 1 to 255 printable ASCII characters as Idempotency-Key.")
    return key


def _whose(caller: Caller) -> str:
    """Whose keys they are: an owner's, apart for each kind of key, as a publishable one is in every visitor's hands, and for
    each end-user (whose id may be as long as the column)."""
    of = f"{caller.owner_id}:{caller.kind}"
    return of if caller.customer_id is None else f"{of}:{hashlib.sha256(caller.customer_id.encode()).hexdigest()}"
