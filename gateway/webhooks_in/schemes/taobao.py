"""Taobao's SPI and 奇门, as the checker of the platform's own SDK (SpiUtils) does it: `sign` over the parameters of query and
form, the headers named in `top-sign-list`, and the body where it is no form. Of the platform's calls it takes the other two
ways too: `sign_method` `hmac` and `hmac-sha256` (淘宝开放平台 API调用方法详解).

The time is `timestamp`, China's, at most five minutes off.
"""

import hashlib
import hmac
from collections.abc import Sequence
from datetime import datetime, timedelta, timezone

from gateway.webhooks_in.schemes.parameters import SIGN, document_of, joined, parameters, proven_by, wrapped_md5
from gateway.webhooks_in.schemes.port import Answer, Posted, Proven, Scheme, Secret, check_time
from shared.webhooks import SignatureInvalid

_CHINA = timezone(timedelta(hours=8))
_MOST_HEADERS = 20
_XML = Answer(
    media_type="text/xml; charset=utf-8",
    body=b'<?xml version="1.0" encoding="utf-8"?><response><flag>success</flag><code>0</code></response>',
)
_JSON = Answer(media_type="application/json", body=b'{"success":true}')


class Taobao(Scheme):
    """The secret is the app's AppSecret."""

    fields = ("app_secret",)

    def prove(self, live: Sequence[Secret], delivery: Posted, now: datetime) -> Proven:
        """The parameters by name, the body under `body`."""
        found, rest = parameters(delivery)
        given, method = found.get(SIGN, ""), found.get("sign_method", "md5")
        if method not in ("md5", "hmac", "hmac-sha256"):
            raise SignatureInvalid("sign_method is none that Taobao has")
        check_time(_at(found.get("timestamp", "")), now)
        content = joined(found | _signed_headers(delivery, found)) + rest

        def make(secret: bytes) -> str:
            if method == "md5":
                return wrapped_md5(secret, content)
            how = hashlib.md5 if method == "hmac" else hashlib.sha256
            return hmac.digest(secret, content, how).hex().upper()

        return proven_by(live, "app_secret", given, make, document_of(found, rest))

    def answer(self, proven: Proven, now: datetime) -> Answer | None:  # noqa: ARG002 - the port's
        """XML to 奇门, which names its methods `taobao.qimen.…` or `qimen.…`, JSON to every other."""
        return _XML if b'"method":"taobao.qimen.' in proven.told[0].body else _JSON


def _signed_headers(delivery: Posted, found: dict[str, str]) -> dict[str, str]:
    """The headers that the sender put under the signature, spelled as it did. Raises SignatureInvalid."""
    names = [name for name in delivery.headers.get("top-sign-list", "").split(",") if name]
    if len(names) > _MOST_HEADERS or set(names) & set(found):
        raise SignatureInvalid("top-sign-list is not in order")
    return {name: delivery.headers.get(name.lower(), "") for name in names}


def _at(text: str) -> datetime:
    try:
        return datetime.strptime(text, "%Y-%m-%d %H:%M:%S").replace(tzinfo=_CHINA)
    except ValueError:
        raise SignatureInvalid("timestamp is no time of Taobao's") from None
