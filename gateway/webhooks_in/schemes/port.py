"""What a scheme does: it proves that a delivery comes from who shares the secret, names what it tells, and answers as the
platform expects.
"""

import hashlib
import hmac
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.webhooks import TOLERANCE, SignatureInvalid

LONGEST_ID = 200
LONGEST_FIELD = 8000
"""Of one field of a secret: a certificate in PEM fits."""
SHORTEST_FIELD = 3

Secret = Mapping[str, str]
"""The fields that both sides know, by name. A scheme with one text has the field `secret`."""


@dataclass(frozen=True, slots=True)
class Posted:
    """What was posted, as it travelled. `headers` has lower-case names; `query` is decoded, in its order."""

    headers: Mapping[str, str]
    body: bytes
    query: Sequence[tuple[str, str]] = ()

    def asked(self, name: str) -> str:
        """The parameter of the query. Raises SignatureInvalid for one that is missing or there twice."""
        values = [value for key, value in self.query if key == name]
        if len(values) != 1:
            raise SignatureInvalid(f"the query does not hold {name} once")
        return values[0]


@dataclass(frozen=True, slots=True)
class Told:
    """One message of a delivery: its id (1 to 200 characters), the same whenever it is repeated, and its JSON."""

    delivery_id: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Proven:
    """What a delivery tells, mostly one message, and the secret that proved it."""

    told: Sequence[Told]
    secret: Secret


@dataclass(frozen=True, slots=True)
class Answer:
    """What a platform is told: status, media type, bytes."""

    status: int = 200
    media_type: str = "text/plain; charset=utf-8"
    body: bytes = b""


SUCCESS = Answer(body=b"success")


class Scheme(ABC):
    """No state, no clock, no I/O. Comparisons take the same time for right and wrong."""

    fields: tuple[str, ...] = ("secret",)
    """The fields of its secret."""
    acknowledges_refused = True
    """Platforms are told that a delivery arrived even when its mapping can't read it: it is kept, and can be replayed."""

    def new_secret(self) -> Secret | None:
        """A fresh secret of at least 128 random bits; None where the platform gives it."""
        return None

    def check_secret(self, secret: Secret) -> None:
        """Raises ValueError, with what to do, for a secret that this scheme can't use or that could be guessed."""
        if set(secret) != set(self.fields):
            raise ValueError(f"a secret of this scheme has the fields {', '.join(self.fields)}")
        for name in self.fields:
            check_text(name, secret[name])

    @abstractmethod
    def prove(self, live: Sequence[Secret], delivery: Posted, now: datetime) -> Proven:
        """What the delivery tells. Raises SignatureInvalid, never anything else, whatever was sent."""

    def echo(self, live: Sequence[Secret], delivery: Posted, now: datetime) -> Answer:  # noqa: ARG002 - most ask nothing
        """The answer to a platform that asks by GET whether this URL is ours. Raises SignatureInvalid."""
        raise SignatureInvalid("platforms of this scheme ask nothing by GET")

    def answer(self, proven: Proven, now: datetime) -> Answer | None:  # noqa: ARG002 - most answer the same to everybody
        """The acknowledgement that this platform expects; None for ours, `{"status": "accepted"}` with 202."""
        return SUCCESS


def check_text(name: str, value: str, shortest: int = SHORTEST_FIELD, longest: int = 200) -> None:
    """Raises ValueError for a field of a secret that can't be one."""
    if not (shortest <= len(value) <= longest and value.isprintable() and value.strip() == value):
        raise ValueError(f"{name} of this scheme's secret is {shortest} to {longest} printable characters")


def fitting(live: Iterable[Secret], expected: Mapping[int, bytes], given: bytes) -> Secret:
    """The secret whose expected signature (by its place) is the given one. Raises SignatureInvalid when none is."""
    found: Secret | None = None
    for place, secret in enumerate(live):
        if hmac.compare_digest(expected[place], given):
            found = secret
    if found is None:
        raise SignatureInvalid("no signature matches")
    return found


def check_time(at: datetime, now: datetime, tolerance: timedelta = TOLERANCE) -> None:
    """Raises SignatureInvalid for what was signed too long ago or in the future."""
    if abs(at - now) > tolerance:
        raise SignatureInvalid("the timestamp is too far from now")


def seconds(text: str) -> float:
    """A time in Unix seconds, or in milliseconds where it has 13 digits. Raises SignatureInvalid."""
    if not (text.isascii() and text.isdigit() and len(text) in (10, 13)):
        raise SignatureInvalid("the timestamp is no number of seconds")
    return int(text) / (1000 if len(text) == 13 else 1)


def check_seconds(text: str, now: datetime, tolerance: timedelta = TOLERANCE) -> None:
    """`check_time` of a time in Unix seconds or milliseconds. Raises SignatureInvalid."""
    if abs(seconds(text) - now.timestamp()) > tolerance.total_seconds():
        raise SignatureInvalid("the timestamp is too far from now")


def id_of(content: bytes) -> str:
    """An id for a message without one: who repeats it byte by byte repeats the id."""
    return hashlib.sha256(content).hexdigest()
