"""Standard Webhooks 1.0.0: `webhook-id`, `webhook-timestamp` and `webhook-signature`, at most five minutes old."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from gateway.webhooks_in.schemes.port import LONGEST_ID
from shared.webhooks import PREFIX, SignatureInvalid, new_secret, secret_bytes, verify

_SHORTEST, _LONGEST = 24, 64


class Standard:
    """Id and time are under the signature, so that neither can be changed."""

    def new_secret(self) -> str:
        """A `whsec_` of 256 random bits."""
        return new_secret()

    def check_secret(self, secret: str) -> None:
        """Raises ValueError for what is no `whsec_` of the right length."""
        length = len(secret_bytes(secret)) if secret.startswith(PREFIX) else 0
        if not _SHORTEST <= length <= _LONGEST:
            raise ValueError(f"a secret of this scheme is `{PREFIX}` and {_SHORTEST} to {_LONGEST} bytes in base64")

    def prove(self, live_secrets: Sequence[str], headers: Mapping[str, str], body: bytes, now: datetime) -> str:
        """The `webhook-id`, once signature and time are right."""
        delivery_id = verify(live_secrets, headers, body, now)
        if len(delivery_id) > LONGEST_ID:
            raise SignatureInvalid("the delivery id is too long")
        return delivery_id
