"""WeCom 企业微信 (接收消息与事件, 加解密方案说明): `msg_signature` over token, timestamp, nonce and the sealed message.

A GET brings a sealed `echostr`, and wants it opened, within a second.
"""

from collections.abc import Sequence
from datetime import datetime

from gateway.webhooks_in.schemes import envelope
from gateway.webhooks_in.schemes.port import Answer, Posted, Proven, Scheme, Secret

_EMPTY = Answer()


class WeCom(Scheme):
    """The secret is Token, EncodingAESKey and receiver id: the corp id, or a suite's id."""

    fields = (envelope.TOKEN, envelope.KEY, "receiver_id")

    def check_secret(self, secret: Secret) -> None:
        """Raises ValueError for what the platform would not take."""
        super().check_secret(secret)
        envelope.check_fields(secret)

    def prove(self, live: Sequence[Secret], delivery: Posted, now: datetime) -> Proven:
        """The message inside, in JSON."""
        text = envelope.sealed_text(delivery.body)
        secret = envelope.signed_query(live, delivery, delivery.asked("msg_signature"), [text], now)
        return envelope.proven_message(secret, secret["receiver_id"], text)

    def echo(self, live: Sequence[Secret], delivery: Posted, now: datetime) -> Answer:
        """What is inside `echostr`."""
        text = delivery.asked("echostr")
        secret = envelope.signed_query(live, delivery, delivery.asked("msg_signature"), [text], now)
        return Answer(body=envelope.opened(secret, secret["receiver_id"], text))

    def answer(self, proven: Proven, now: datetime) -> Answer | None:  # noqa: ARG002 - the port's
        """Nothing, with 200: any text would be a reply, and would have to be sealed."""
        return _EMPTY
