"""What Taobao, JD and Pinduoduo sign: parameters of query and form, sorted by name, name and value joined without a sign
between them, the secret before and behind (签名 sign, MD5).

Nothing separates a name from its value, so that some other set of parameters has the same signature. That is why the
signature itself is the id of a delivery: whoever shifts the borders of one that they caught repeats it.
"""

import hashlib
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any
from urllib.parse import parse_qsl

from pydantic_core import from_json, to_json

from gateway.webhooks_in.schemes.port import Posted, Proven, Secret, Told, fitting
from gateway.webhooks_in.schemes.xml import NotReadable, read_xml
from shared.webhooks import SignatureInvalid

_FORM = "application/x-www-form-urlencoded"
_MOST = 500
SIGN = "sign"


def parameters(delivery: Posted) -> tuple[dict[str, str], bytes]:
    """Query and form as one, and the body where it is no form. Raises SignatureInvalid for a name that is there twice."""
    pairs, rest = list(delivery.query), delivery.body
    if delivery.headers.get("content-type", "").partition(";")[0].strip().lower() == _FORM:
        try:
            pairs += parse_qsl(
                rest.decode("utf-8"), keep_blank_values=True, errors="strict", max_num_fields=_MOST, separator="&"
            )
        except ValueError:
            raise SignatureInvalid("the form can't be read") from None
        rest = b""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise SignatureInvalid("a parameter is there twice")
    return found, rest


def joined(signed: Mapping[str, str], without: Collection[str] = ()) -> bytes:
    """Names and values in the order of names, without `sign` and what else is named."""
    names = sorted(name for name in signed if name != SIGN and name not in without)
    return "".join(name + signed[name] for name in names).encode("utf-8", "surrogatepass")


def wrapped_md5(secret: bytes, content: bytes) -> str:
    """Upper-case hex of the MD5 over secret, content, secret: the platforms' choice, not ours."""
    return hashlib.md5(secret + content + secret, usedforsecurity=False).hexdigest().upper()


def proven_by(
    live: Sequence[Secret], field: str, given: str, make: Callable[[bytes], str], document: Mapping[str, Any]
) -> Proven:
    """The delivery as one message, once `make(secret)` of a live secret's `field` is the given signature."""
    expected = {place: make(secret[field].encode()).encode() for place, secret in enumerate(live)}
    secret = fitting(live, expected, given.encode("utf-8", "surrogatepass"))
    return Proven((Told(given, to_json(document)),), secret)


def document_of(found: Mapping[str, str], rest: bytes) -> dict[str, Any]:
    """What a mapping reads: the parameters by name, and what the body says under `body`. Raises SignatureInvalid."""
    document: dict[str, Any] = {name: value for name, value in found.items() if name != SIGN}
    if rest.lstrip().startswith(b"<"):
        try:
            document["body"] = read_xml(rest)
        except NotReadable as error:
            raise SignatureInvalid(str(error)) from None
    elif rest:
        try:
            document["body"] = from_json(rest, allow_inf_nan=False)
        except ValueError:
            raise SignatureInvalid("the body is neither a form nor JSON nor XML") from None
    return document
