"""Tokens of sessions, and how long a guess has to wait. Pure: time is an argument.

A token is 32 random bytes and a code of the installation's over them: invented ones are refused without a look into the
database. The token that proves that a call comes from our own page (against CSRF) is made of it, so that nothing is stored.
"""

import base64
import hashlib
import hmac
from dataclasses import dataclass
from datetime import datetime, timedelta

_BODY, _CODE = 43, 22
_SLOTS = 16_384


@dataclass(frozen=True, slots=True)
class Patience:
    """`free` wrong guesses in a row cost nothing; after that each must wait twice as long as the one before, `most` at most."""

    free: int
    first: timedelta = timedelta(seconds=1)
    most: timedelta = timedelta(minutes=15)
    forgotten: timedelta = timedelta(hours=24)

    def counted(self, wrong: int, last_at: datetime, now: datetime) -> int:
        """How many still count."""
        return 0 if now - last_at >= self.forgotten else wrong

    def free_at(self, wrong: int, last_at: datetime) -> datetime:
        """When the next guess may come after so many in a row."""
        if wrong < self.free:
            return last_at
        return last_at + min(self.first * float(2 ** min(wrong - self.free, 30)), self.most)


OF_ACCOUNT = Patience(free=5)
OF_BROWSER = Patience(free=10)
OF_ADDRESS = Patience(free=20)
"""An office shares one: more is free, and who signs in does not reset what others guessed there."""


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _code(body: str, secret: str, purpose: str) -> str:
    return _text(hmac.new(secret.encode(), f"{purpose}:{body}".encode(), hashlib.sha256).digest()[:16])


def session_token(entropy: bytes, secret: str) -> str:
    """A session's token: `body.code`."""
    if len(entropy) != 32:
        raise ValueError("a session's token is made of 32 random bytes")
    body = _text(entropy)
    return f"{body}.{_code(body, secret, 'session')}"


def is_ours(token: str, secret: str) -> bool:
    """True when this installation made the token. Says nothing about whether it is good."""
    body, _, code = token.partition(".")
    if len(body) != _BODY or len(code) != _CODE or not token.isascii():
        return False
    return hmac.compare_digest(code, _code(body, secret, "session"))


def csrf_token(token: str) -> str:
    """What pages of ours send beside a session's cookie; other sites' pages can't read it."""
    return _text(hmac.new(token.encode(), b"csrf", hashlib.sha256).digest())


def browser_token(account_id: str, entropy: bytes, secret: str) -> str:
    """What a browser keeps in which an account was signed in: `account.random.code`."""
    body = f"{account_id}.{_text(entropy)}"
    return f"{body}.{_code(body, secret, 'browser')}"


def browser_of(token: str, account_id: str, secret: str) -> str | None:
    """The browser's id, when this account was signed in there before."""
    body, _, code = token.rpartition(".")
    holder, _, browser = body.partition(".")
    if holder != account_id or not token.isascii() or not hmac.compare_digest(code, _code(body, secret, "browser")):
        return None
    return browser


def slot_of(login: str, secret: str) -> str:
    """Where guesses at a login that nobody has are counted: so many places in all, however many are invented."""
    number = int.from_bytes(hmac.new(secret.encode(), f"login:{login}".encode(), hashlib.sha256).digest()[:8], "big")
    return f"nobody:{number % _SLOTS}"
