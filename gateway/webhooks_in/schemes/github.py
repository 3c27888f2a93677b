"""GitHub's manner, which many have taken over: `X-Hub-Signature-256`, the HMAC of the body, and `X-GitHub-Posted`.

Neither the id nor a time is under the signature. Who has caught a whole delivery can send it again under another id; what it
then tells is the same fact about the same order, which has its effect once.
"""

import hashlib
import hmac
import secrets
from collections.abc import Sequence
from datetime import datetime

from gateway.webhooks_in.schemes.port import (
    LONGEST_ID,
    Answer,
    Posted,
    Proven,
    Scheme,
    Secret,
    Told,
    check_text,
    fitting,
)
from shared.webhooks import SignatureInvalid

_PREFIX = "sha256="
_SHORTEST = 16


class GitHub(Scheme):
    """The secret is any text that both sides know."""

    acknowledges_refused = False

    def new_secret(self) -> Secret:
        """256 random bits."""
        return {"secret": secrets.token_urlsafe(32)}

    def check_secret(self, secret: Secret) -> None:
        """Raises ValueError for one that is short or holds what can't be typed."""
        super().check_secret(secret)
        check_text("secret", secret["secret"], _SHORTEST)

    def prove(
        self,
        live: Sequence[Secret],
        delivery: Posted,
        now: datetime,  # noqa: ARG002 - deliveries of this scheme tell no time
    ) -> Proven:
        """The id in the header, once one of the secrets fits the body."""
        headers = delivery.headers
        delivery_id, given = headers.get("x-github-delivery", ""), headers.get("x-hub-signature-256", "")
        if not delivery_id or not given:
            raise SignatureInvalid("a webhook header is missing")
        if len(delivery_id) > LONGEST_ID:
            raise SignatureInvalid("the delivery id is too long")
        expected = {
            place: (_PREFIX + hmac.digest(one["secret"].encode(), delivery.body, hashlib.sha256).hex()).encode()
            for place, one in enumerate(live)
        }
        secret = fitting(live, expected, given.encode("latin-1", "replace"))
        return Proven((Told(delivery_id, delivery.body),), secret)

    def answer(self, proven: Proven, now: datetime) -> Answer | None:  # noqa: ARG002 - the port's
        """Ours."""
        return None
