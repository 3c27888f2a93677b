"""JD 京东宙斯: `sign` over all parameters but `format` and `sign_method`, with `360buy_param_json` among them (宙斯 开发规范,
API签名). The time carries its zone; the platform's tolerance is six minutes.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from gateway.webhooks_in.schemes.parameters import SIGN, document_of, joined, parameters, proven_by, wrapped_md5
from gateway.webhooks_in.schemes.port import Posted, Proven, Scheme, Secret, check_time
from shared.webhooks import SignatureInvalid

_TOLERANCE = timedelta(minutes=6)
_UNSIGNED = ("format", "sign_method")


class JD(Scheme):
    """The secret is the app's AppSecret."""

    fields = ("app_secret",)

    def prove(self, live: Sequence[Secret], delivery: Posted, now: datetime) -> Proven:
        """The parameters by name; a mapping looks into `360buy_param_json` as if it were no text."""
        found, rest = parameters(delivery)
        if rest:
            raise SignatureInvalid("the body is no form")
        check_time(_at(found.get("timestamp", "")), now, _TOLERANCE)
        content = joined(found, _UNSIGNED)
        signed = {name: value for name, value in found.items() if name not in _UNSIGNED}

        def make(secret: bytes) -> str:
            return wrapped_md5(secret, content)

        return proven_by(live, "app_secret", found.get(SIGN, ""), make, document_of(signed, rest))


def _at(text: str) -> datetime:
    for shape in ("%Y-%m-%d %H:%M:%S.%f%z", "%Y-%m-%d %H:%M:%S%z"):
        try:
            return datetime.strptime(text, shape)  # noqa: DTZ007 - both shapes end with a zone
        except ValueError:
            continue
    raise SignatureInvalid("timestamp is no time of JD's with its zone")
