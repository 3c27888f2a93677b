"""Douyin open platform 抖音开放平台 Webhooks: `X-Douyin-Signature`, hex of SHA-1 over client_secret and the body.

It asks once by `verify_webhook` whether the URL is ours, and wants the challenge back. Neither a time nor `Msg-Id` is under the
signature: a delivery is known by its bytes.
"""

import hashlib
from collections.abc import Sequence
from datetime import datetime

from pydantic_core import from_json, to_json

from gateway.webhooks_in.pointers import found
from gateway.webhooks_in.schemes.port import SUCCESS, Answer, Posted, Proven, Scheme, Secret, Told, fitting, id_of


class DouyinOpen(Scheme):
    """The secret is the app's client_secret."""

    fields = ("client_secret",)

    def prove(
        self,
        live: Sequence[Secret],
        delivery: Posted,
        now: datetime,  # noqa: ARG002 - deliveries of this scheme tell no time
    ) -> Proven:
        """The body."""
        given = delivery.headers.get("x-douyin-signature", "")
        expected = {
            place: hashlib.sha1(secret["client_secret"].encode() + delivery.body, usedforsecurity=False)
            .hexdigest()
            .encode()
            for place, secret in enumerate(live)
        }
        secret = fitting(live, expected, given.encode("latin-1", "replace"))
        return Proven((Told(id_of(delivery.body), delivery.body),), secret)

    def answer(self, proven: Proven, now: datetime) -> Answer | None:  # noqa: ARG002 - the port's
        """The challenge back to `verify_webhook`; `success` otherwise."""
        try:
            body = from_json(proven.told[0].body, allow_inf_nan=False)
        except ValueError:
            return SUCCESS
        challenge = found(body, "/content/challenge")
        if found(body, "/event") == "verify_webhook" and isinstance(challenge, int | str):
            return Answer(media_type="application/json", body=to_json({"challenge": challenge}))
        return SUCCESS
