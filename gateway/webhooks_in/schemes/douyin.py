"""Douyin shop 抖店 消息推送: `event-sign`, hex of MD5 over app_key, the raw body and the secret, as the platform's SDK checks it.

The body is a list of messages `{tag, msg_id, data}`, `data` JSON in a text. There is no time: a message is known by its
`msg_id`, which is under the signature.
"""

import hashlib
from collections.abc import Sequence
from datetime import datetime

from pydantic_core import from_json, to_json

from gateway.webhooks_in.schemes.port import (
    LONGEST_ID,
    Answer,
    Posted,
    Proven,
    Scheme,
    Secret,
    Told,
    fitting,
    id_of,
)
from shared.webhooks import SignatureInvalid

_MOST = 200
_ANSWER = Answer(media_type="application/json", body=b'{"code":0,"msg":"success"}')


class Douyin(Scheme):
    """The secret is the app's key and secret."""

    fields = ("app_key", "app_secret")

    def prove(
        self,
        live: Sequence[Secret],
        delivery: Posted,
        now: datetime,  # noqa: ARG002 - deliveries of this scheme tell no time
    ) -> Proven:
        """Each message of the list."""
        given, app_key = delivery.headers.get("event-sign", ""), delivery.headers.get("app-id", "")
        expected = {place: _signature(secret, delivery.body) for place, secret in enumerate(live)}
        secret = fitting(live, expected, given.encode("latin-1", "replace"))
        if app_key != secret["app_key"]:
            raise SignatureInvalid("app-id names another app")
        return Proven(_messages(delivery.body), secret)

    def answer(self, proven: Proven, now: datetime) -> Answer | None:  # noqa: ARG002 - the port's
        """`{"code":0,"msg":"success"}`, to the platform's probe as well."""
        return _ANSWER


def _signature(secret: Secret, body: bytes) -> bytes:
    content = secret["app_key"].encode() + body + secret["app_secret"].encode()
    return hashlib.md5(content, usedforsecurity=False).hexdigest().encode()


def _messages(body: bytes) -> Sequence[Told]:
    """One for each item that names itself. What has another shape is one message as a whole, so that nothing is lost."""
    try:
        items = from_json(body, allow_inf_nan=False)
    except ValueError:
        items = None
    whole = (Told(id_of(body), body),)
    if not isinstance(items, list) or not 1 <= len(items) <= _MOST:
        return whole
    told = [_message(item) for item in items]
    return whole if None in told else [one for one in told if one is not None]


def _message(item: object) -> Told | None:
    message_id = str(item.get("msg_id", "")) if isinstance(item, dict) else ""
    return Told(message_id, to_json(item)) if 1 <= len(message_id) <= LONGEST_ID else None
