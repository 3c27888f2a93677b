"""Pinduoduo 拼多多: `sign` over all parameters (拼多多开放平台 签名算法). The time is in seconds, ten minutes off at most."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from gateway.webhooks_in.schemes.parameters import SIGN, document_of, joined, parameters, proven_by, wrapped_md5
from gateway.webhooks_in.schemes.port import Posted, Proven, Scheme, Secret, check_seconds
from shared.webhooks import SignatureInvalid

_TOLERANCE = timedelta(minutes=10)


class Pinduoduo(Scheme):
    """The secret is the app's client_secret."""

    fields = ("client_secret",)

    def prove(self, live: Sequence[Secret], delivery: Posted, now: datetime) -> Proven:
        """The parameters by name; a mapping looks into `content` as if it were no text."""
        found, rest = parameters(delivery)
        if rest:
            raise SignatureInvalid("the body is no form")
        check_seconds(found.get("timestamp", ""), now, _TOLERANCE)
        content = joined(found)

        def make(secret: bytes) -> str:
            return wrapped_md5(secret, content)

        return proven_by(live, "client_secret", found.get(SIGN, ""), make, document_of(found, rest))
