"""Standard Webhooks 1.0.0: `webhook-id`, `webhook-timestamp` and `webhook-signature`, at most five minutes old."""

from collections.abc import Sequence
from datetime import datetime

from gateway.webhooks_in.schemes.port import LONGEST_ID, Answer, Posted, Proven, Scheme, Secret, Told
from shared.webhooks import PREFIX, SignatureInvalid, new_secret, secret_bytes, verify

_SHORTEST, _LONGEST = 24, 64


class Standard(Scheme):
    """Id and time are under the signature, so that neither can be changed."""

    acknowledges_refused = False

    def new_secret(self) -> Secret:
        """A `whsec_` of 256 random bits."""
        return {"secret": new_secret()}

    def check_secret(self, secret: Secret) -> None:
        """Raises ValueError for what is no `whsec_` of the right length."""
        super().check_secret(secret)
        text = secret["secret"]
        length = len(secret_bytes(text)) if text.startswith(PREFIX) else 0
        if not _SHORTEST <= length <= _LONGEST:
            raise ValueError(f"a secret of this scheme is `{PREFIX}` and {_SHORTEST} to {_LONGEST} bytes in base64")

    def prove(self, live: Sequence[Secret], delivery: Posted, now: datetime) -> Proven:
        """The `webhook-id`, once signature and time are right."""
        delivery_id = verify([one["secret"] for one in live], delivery.headers, delivery.body, now)
        if len(delivery_id) > LONGEST_ID:
            raise SignatureInvalid("the delivery id is too long")
        return Proven((Told(delivery_id, delivery.body),), live[0])

    def answer(self, proven: Proven, now: datetime) -> Answer | None:  # noqa: ARG002 - the port's
        """Ours."""
        return None
