"""DingTalk 钉钉 业务事件回调: sealed as WeCom does; the query names the signature `signature`, or `msg_signature`.

The answer is sealed too: `success`, or what `check_create_suite_url` asks for.
"""

import secrets
from collections.abc import Sequence
from datetime import datetime

from pydantic_core import from_json, to_json

from gateway.webhooks_in.pointers import found
from gateway.webhooks_in.schemes import envelope
from gateway.webhooks_in.schemes.port import Answer, Posted, Proven, Scheme, Secret


class DingTalk(Scheme):
    """The secret is Token, aes_key and receiver id: AppKey, suite key or corp id, as the kind of app has it."""

    fields = (envelope.TOKEN, envelope.KEY, "receiver_id")

    def check_secret(self, secret: Secret) -> None:
        """Raises ValueError for what the platform would not take."""
        super().check_secret(secret)
        envelope.check_fields(secret)

    def prove(self, live: Sequence[Secret], delivery: Posted, now: datetime) -> Proven:
        """The message inside."""
        text = envelope.sealed_text(delivery.body)
        name = "msg_signature" if any(key == "msg_signature" for key, _ in delivery.query) else "signature"
        secret = envelope.signed_query(live, delivery, delivery.asked(name), [text], now)
        return envelope.proven_message(secret, secret["receiver_id"], text)

    def answer(self, proven: Proven, now: datetime) -> Answer | None:
        """`success`, sealed and signed."""
        secret, asked = proven.secret, from_json(proven.told[0].body)
        random = found(asked, "/Random")
        wanted = found(asked, "/EventType") == "check_create_suite_url" and isinstance(random, str)
        text = envelope.sealed(secret, secret["receiver_id"], (random if wanted else "success").encode())
        stamp, nonce = str(int(now.timestamp() * 1000)), secrets.token_hex(8)
        proof = envelope.signature(secret[envelope.TOKEN], stamp, nonce, text)
        body = {"msg_signature": proof, "timeStamp": stamp, "nonce": nonce, "encrypt": text}
        return Answer(media_type="application/json", body=to_json(body))
