"""The schemes of incoming webhooks: published samples, other people's signers, one flipped bit, everything malformed."""

import hashlib
import hmac
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook

from gateway.webhooks_in.schemes import SCHEMES, Posted, Scheme
from shared.webhooks import SignatureInvalid

NOW = datetime(2026, 11, 11, 2, 0, tzinfo=UTC)
NAMES = ["github", "standard"]


def signed(name: str, secret: str, body: bytes, delivery_id: str = "msg_1", at: datetime = NOW) -> dict[str, str]:
    """The headers that a partner of this scheme sends."""
    if name == "standard":
        stamp = str(int(at.timestamp()))
        signature = Webhook(secret).sign(delivery_id, at, body.decode("utf-8"))
        return {"webhook-id": delivery_id, "webhook-timestamp": stamp, "webhook-signature": signature}
    mac = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    return {"x-github-delivery": delivery_id, "x-hub-signature-256": f"sha256={mac}"}


def prove(scheme: Scheme, secrets: list[str], headers: dict[str, str], body: bytes, at: datetime = NOW) -> str:
    proven = scheme.prove([{"secret": secret} for secret in secrets], Posted(headers, body), at)
    (told,) = proven.told
    assert told.body == body
    return told.delivery_id


def new_secret(scheme: Scheme) -> str:
    return (scheme.new_secret() or {})["secret"]


def refusal(scheme: Scheme, secrets: list[str], headers: dict[str, str], body: bytes) -> str:
    with pytest.raises(SignatureInvalid) as refused:
        prove(scheme, secrets, headers, body)
    return refused.value.reason


def test_the_sample_of_githubs_documentation() -> None:
    headers = {
        "x-github-delivery": "72d3162e-cc78-11e3-81ab-4c9367dc0958",
        "x-hub-signature-256": "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17",
    }
    found = prove(SCHEMES["github"], ["It's a Secret to Everybody"], headers, b"Hello, World!")
    assert found == "72d3162e-cc78-11e3-81ab-4c9367dc0958"


def test_the_sample_of_standard_webhooks() -> None:
    headers = {
        "webhook-id": "msg_loFOjxBNrRLzqYUf",
        "webhook-timestamp": "1731705121",
        "webhook-signature": "v1,rAvfW3dJ/X/qxhsaXPOyyCGmRKsaKWcsNccKXlIktD0=",
    }
    body, at = b'{"event_type":"ping","data":{"success":true}}', datetime.fromtimestamp(1731705121, UTC)
    secret = "whsec_plJ3nmyCDGBKInavdOK15jsl"
    assert prove(SCHEMES["standard"], [secret], headers, body, at) == "msg_loFOjxBNrRLzqYUf"


@pytest.mark.parametrize("name", NAMES)
def test_a_partners_delivery_is_proven_with_any_live_secret(name: str) -> None:
    scheme = SCHEMES[name]
    old, new = new_secret(scheme), new_secret(scheme)
    for secret in (old, new):
        body = '{"name":"满300减50"}'.encode()
        assert prove(scheme, [new, old], signed(name, secret, body), body) == "msg_1"
    assert refusal(scheme, [new], signed(name, old, b"x"), b"x") == "no signature matches"
    assert refusal(scheme, [], signed(name, new, b"x"), b"x") == "no signature matches"


@pytest.mark.parametrize("name", NAMES)
@given(body=st.text(max_size=60), bit=st.integers(0, 10_000))
def test_one_flipped_bit_of_the_body_is_noticed(name: str, body: str, bit: int) -> None:
    scheme, raw = SCHEMES[name], body.encode("utf-8", "replace")
    secret = {"standard": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}.get(name, "a secret for everybody")
    changed = bytearray(raw or b"\0")
    changed[bit // 8 % len(changed)] ^= 1 << bit % 8
    assert refusal(scheme, [secret], signed(name, secret, raw), bytes(changed)) == "no signature matches"


@pytest.mark.parametrize("away", [-301, 301])
def test_standard_webhooks_are_refused_when_old_or_from_the_future(away: int) -> None:
    scheme = SCHEMES["standard"]
    secret = new_secret(scheme)
    headers = signed("standard", secret, b"x", at=NOW + timedelta(seconds=away))
    assert refusal(scheme, [secret], headers, b"x") == "the timestamp is too far from now"


@pytest.mark.parametrize("name", NAMES)
@given(
    headers=st.dictionaries(
        st.sampled_from(
            ["webhook-id", "webhook-timestamp", "webhook-signature", "x-github-delivery", "x-hub-signature-256"]
        ),
        st.text(),
    ),
    body=st.binary(max_size=20),
)
def test_whatever_is_sent_nothing_else_is_raised(name: str, headers: dict[str, str], body: bytes) -> None:
    refusal(SCHEMES[name], [new_secret(SCHEMES[name])], headers, body)


@pytest.mark.parametrize("name", NAMES)
def test_an_id_that_could_not_be_kept_is_refused(name: str) -> None:
    secret = new_secret(SCHEMES[name])
    headers = signed(name, secret, b"x", delivery_id="m" * 201)
    assert refusal(SCHEMES[name], [secret], headers, b"x") == "the delivery id is too long"
    assert prove(SCHEMES[name], [secret], signed(name, secret, b"x", delivery_id="m" * 200), b"x") == "m" * 200


@pytest.mark.parametrize("name", NAMES)
def test_own_secrets_are_fit(name: str) -> None:
    for _ in range(20):
        SCHEMES[name].check_secret({"secret": new_secret(SCHEMES[name])})


@pytest.mark.parametrize(
    ("name", "secret"),
    [
        ("standard", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"),
        ("standard", "whsec_"),
        ("standard", "whsec_MfKQ9r8GKYqrTwjUPD8ILA=="),
        ("standard", "whsec_no base64"),
        ("github", "short"),
        ("github", "with a\nline break in it"),
        ("github", "x" * 201),
    ],
)
def test_secrets_that_could_be_guessed_or_not_be_used_are_refused(name: str, secret: str) -> None:
    with pytest.raises(ValueError, match="secret"):
        SCHEMES[name].check_secret({"secret": secret})
