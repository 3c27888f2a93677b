"""WeChat 微信: official accounts, mini-programs and shops 微信小店, in safe mode 安全模式.

`msg_signature` is over token, timestamp, nonce and the sealed message (微信公众平台 接入指南, 消息加解密说明). Plain
mode leaves the body unsigned, so it is not taken.

A GET with `echostr` asks whether the URL is ours.
"""

from collections.abc import Sequence
from datetime import datetime

from gateway.webhooks_in.schemes import envelope
from gateway.webhooks_in.schemes.port import Answer, Posted, Proven, Scheme, Secret


class WeChat(Scheme):
    """The secret is Token, EncodingAESKey and AppID, as entered under 消息推送."""

    fields = (envelope.TOKEN, envelope.KEY, "app_id")

    def check_secret(self, secret: Secret) -> None:
        """Raises ValueError for what the platform would not take."""
        super().check_secret(secret)
        envelope.check_fields(secret)

    def prove(self, live: Sequence[Secret], delivery: Posted, now: datetime) -> Proven:
        """The message inside, in JSON."""
        text = envelope.sealed_text(delivery.body)
        secret = envelope.signed_query(live, delivery, delivery.asked("msg_signature"), [text], now)
        return envelope.proven_message(secret, secret["app_id"], text)

    def echo(self, live: Sequence[Secret], delivery: Posted, now: datetime) -> Answer:
        """`echostr`, as it came."""
        envelope.signed_query(live, delivery, delivery.asked("signature"), [], now)
        return Answer(body=delivery.asked("echostr").encode("utf-8", "replace"))
