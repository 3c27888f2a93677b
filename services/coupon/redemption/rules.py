"""What a token says, when it holds, and what a till may do with a coupon. Pure, but for chance in new codes.

A token is a compact JWS (RFC 7515) signed with Ed25519 (`alg` EdDSA, RFC 8037), so that any JOSE library, or a few lines
with a public key, can verify it without asking us.
"""

import base64
import binascii
import secrets
import unicodedata
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson

TYPE = "quanyu-redemption+jwt"
SKEW = timedelta(seconds=5)
"""How far clocks may differ."""
CODE_DIGITS = 9


@dataclass(frozen=True, slots=True)
class Claims:
    """The content of a token. Amounts in minor units; `token_id` is its nonce.

    `face` is what the coupon takes off at most, None where its terms set no bound; `threshold` what the goods must come to;
    `offline_most` what a till may take off without asking.
    """

    token_id: str
    coupon_id: str
    issued_at: datetime
    expires_at: datetime
    currency: str
    kind: str
    face: int | None
    threshold: int | None
    offline_most: int


class Malformed(ValueError):
    """A text that is no token of ours, whoever signed it."""


def signing_input(claims: Claims, key_id: str) -> bytes:
    """Header and payload as they are signed."""
    header = {"alg": "EdDSA", "typ": TYPE, "kid": key_id}
    payload = {
        "jti": claims.token_id,
        "sub": claims.coupon_id,
        "iat": int(claims.issued_at.timestamp()),
        "exp": int(claims.expires_at.timestamp()),
        "cur": claims.currency,
        "ben": claims.kind,
        "amt": claims.face,
        "thr": claims.threshold,
        "max": claims.offline_most,
    }
    return b".".join(base64url(orjson.dumps(part)) for part in (header, payload))


def base64url(data: bytes) -> bytes:
    """As RFC 7515 writes bytes: without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=")


def taken_apart(token: str) -> tuple[str, bytes, bytes, dict[str, Any]]:
    """Key id, what was signed, signature, payload; nothing of it is proven yet. Raises Malformed."""
    parts = token.split(".")
    if len(parts) != 3:
        raise Malformed
    header, payload, signature = (_decoded(part) for part in parts)
    try:
        head, body = orjson.loads(header), orjson.loads(payload)
    except orjson.JSONDecodeError:
        raise Malformed from None
    if not isinstance(head, dict) or not isinstance(body, dict):
        raise Malformed
    if head.get("alg") != "EdDSA" or head.get("typ") != TYPE or not isinstance(head.get("kid"), str):
        raise Malformed
    return head["kid"], f"{parts[0]}.{parts[1]}".encode(), signature, body


def _decoded(part: str) -> bytes:
    """Raises Malformed for anything but the one right spelling."""
    try:
        data = base64.urlsafe_b64decode(part.encode("ascii") + b"=" * (-len(part) % 4))
    except (UnicodeEncodeError, binascii.Error, ValueError):
        raise Malformed from None
    if base64url(data).decode() != part:
        raise Malformed
    return data


def claims_of(payload: dict[str, Any]) -> Claims:
    """The claims of a payload whose signature was proven."""
    return Claims(
        token_id=payload["jti"],
        coupon_id=payload["sub"],
        issued_at=datetime.fromtimestamp(payload["iat"], UTC),
        expires_at=datetime.fromtimestamp(payload["exp"], UTC),
        currency=payload["cur"],
        kind=payload["ben"],
        face=payload["amt"],
        threshold=payload["thr"],
        offline_most=payload["max"],
    )


def within_life(issued_at: datetime, expires_at: datetime, moment: datetime) -> bool:
    """True when the token held at that moment, give or take what clocks may differ."""
    return issued_at - SKEW <= moment <= expires_at + SKEW


def new_short_code() -> str:
    """Eight random digits and a check digit, to be read aloud."""
    digits = f"{secrets.randbelow(10 ** (CODE_DIGITS - 1)):0{CODE_DIGITS - 1}d}"
    return digits + check_digit(digits)


def check_digit(digits: str) -> str:
    """Luhn: catches any single wrong digit and nearly every swap of neighbours."""
    total = 0
    for position, digit in enumerate(reversed(digits)):
        doubled = int(digit) * (2 - position % 2)
        total += doubled - 9 if doubled > 9 else doubled
    return str(-total % 10)


def read_short_code(text: str) -> str | None:
    """The digits of what somebody typed (spaces, hyphens, full-width digits); None for a slip, found without a look-up."""
    digits = "".join(unicodedata.normalize("NFKC", text).replace("-", "").split())
    if len(digits) != CODE_DIGITS or not (digits.isascii() and digits.isdigit()):
        return None
    return digits if check_digit(digits[:-1]) == digits[-1] else None


def budget_change(budget: int | None, budget_on: str, reserved: int, status: str, amount: int) -> int:
    """What redeeming changes of a template's budget.

    A coupon that reserves settles what it holds; one whose budget is taken by use, or that gave its share back when it
    expired, takes the amount now.
    """
    if budget is None:
        return 0
    if budget_on == "redemption" or status == "expired":
        return amount - reserved
    return amount - reserved if reserved else 0
