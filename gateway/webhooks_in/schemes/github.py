"""GitHub's manner, which many have taken over: `X-Hub-Signature-256`, the HMAC of the body, and `X-GitHub-Delivery`.

Neither the id nor a time is under the signature. Who has caught a whole delivery can send it again under another id; what it
then tells is the same fact about the same order, which has its effect once.
"""

import hashlib
import hmac
import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime

from gateway.webhooks_in.schemes.port import LONGEST_ID
from shared.webhooks import SignatureInvalid

_PREFIX = "sha256="
_SHORTEST, _LONGEST = 16, 200


class GitHub:
    """The secret is any text that both sides know."""

    def new_secret(self) -> str:
        """256 random bits."""
        return secrets.token_urlsafe(32)

    def check_secret(self, secret: str) -> None:
        """Raises ValueError for one that is short or holds what can't be typed."""
        if not (_SHORTEST <= len(secret) <= _LONGEST and secret.isprintable()):
            raise ValueError(f"a secret of this scheme is {_SHORTEST} to {_LONGEST} printable characters")

    def prove(
        self,
        live_secrets: Sequence[str],
        headers: Mapping[str, str],
        body: bytes,
        now: datetime,  # noqa: ARG002 - deliveries of this scheme tell no time
    ) -> str:
        """The id in the header, once one of the secrets fits the body."""
        delivery_id, given = headers.get("x-github-delivery", ""), headers.get("x-hub-signature-256", "")
        if not delivery_id or not given:
            raise SignatureInvalid("a webhook header is missing")
        if len(delivery_id) > LONGEST_ID:
            raise SignatureInvalid("the delivery id is too long")
        matches = False
        for secret in live_secrets:
            expected = _PREFIX + hmac.digest(secret.encode(), body, hashlib.sha256).hex()
            matches |= hmac.compare_digest(expected.encode(), given.encode("latin-1", "replace"))
        if not matches:
            raise SignatureInvalid("no signature matches")
        return delivery_id
