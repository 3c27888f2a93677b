"""Tokens of QR codes: `clc_….<last second>.<signature>`; the last second of a poster is 0. Pure."""

import base64
import hashlib
import hmac
import re
from dataclasses import dataclass
from datetime import datetime

from services.coupon.scanning.models import ClaimCode

GRACE_SECONDS = 10
"""So long after its end a rotating token still counts: who scanned it in time has to log in, and clocks differ."""
_TOKEN = re.compile(r"(clc_[0-9A-Z]{26})\.(0|[1-9]\d{0,11})\.([a-z2-7]{26})", re.ASCII)
_NO_KEY = "0" * 64


@dataclass(frozen=True, slots=True)
class Token:
    """What a token says of itself; nothing of it is proven yet."""

    claim_code_id: str
    until: int
    signature: str


def sign(key: str, claim_code_id: str, until: int) -> str:
    """The token that is good until this second of the epoch, 0 for ever."""
    return f"{claim_code_id}.{until}.{_signature(key, claim_code_id, until)}"


def read(token: str) -> Token | None:
    """The token's parts; None when it is not built like one of ours."""
    found = _TOKEN.fullmatch(token.strip())
    return None if found is None else Token(found[1], int(found[2]), found[3])


def genuine(token: Token, code: ClaimCode | None) -> bool:
    """True when `code` (None when there is none of that id, which takes as long) signed it."""
    key = _NO_KEY if code is None else code.key
    right = hmac.compare_digest(_signature(key, token.claim_code_id, token.until), token.signature)
    return right and code is not None


def in_time(token: Token, code: ClaimCode, now: datetime) -> bool:
    """True while the code and, where it rotates, the token can be used."""
    if code.status != "active" or (code.valid_until is not None and code.valid_until <= now):
        return False
    if not code.rotating:
        return token.until == 0
    # From the other side as well: no token of a later setting or a wrong clock lives longer than one of now.
    left, most = token.until - now.timestamp(), code.ttl_seconds
    return -GRACE_SECONDS <= left <= most + GRACE_SECONDS


def _signature(key: str, claim_code_id: str, until: int) -> str:
    digest = hmac.new(bytes.fromhex(key), f"claim:{claim_code_id}:{until}".encode(), hashlib.sha256).digest()
    return base64.b32encode(digest[:16]).decode().rstrip("=").lower()
