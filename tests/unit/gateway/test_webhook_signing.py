"""Standard Webhooks signatures: published vectors, other people's verifier, and everything malformed."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook

from shared import webhooks

VECTORS = [
    (
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "msg_p5jXN8AQM9LWM0D4loKWxJek",
        1614265330,
        b'{"test": 2432232314}',
        "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    ),
    (
        "whsec_plJ3nmyCDGBKInavdOK15jsl",
        "msg_loFOjxBNrRLzqYUf",
        1731705121,
        b'{"event_type":"ping","data":{"success":true}}',
        "v1,rAvfW3dJ/X/qxhsaXPOyyCGmRKsaKWcsNccKXlIktD0=",
    ),
]


@pytest.mark.parametrize(("secret", "message_id", "timestamp", "body", "signature"), VECTORS)
def test_published_vectors(secret: str, message_id: str, timestamp: int, body: bytes, signature: str) -> None:
    assert webhooks.sign(secret, message_id, timestamp, body) == signature


@pytest.mark.parametrize("text", ['{"name":"满300减50"}', '{"a":1}', "[]", '"é"'])
def test_a_foreign_receiver_accepts_what_we_sign(text: str) -> None:
    secret, body, now = webhooks.new_secret(), text.encode(), datetime.now(UTC)
    headers = webhooks.signed_headers([secret, webhooks.new_secret()], "evt_1", now, body)
    Webhook(secret).verify(body, headers)
    assert webhooks.verify([secret], headers, body, now) == "evt_1"


def test_an_empty_body_is_signed_too() -> None:
    secret, now = webhooks.new_secret(), datetime.now(UTC)
    assert webhooks.verify([secret], webhooks.signed_headers([secret], "m", now, b""), b"", now) == "m"


@given(st.binary(max_size=200), st.integers(min_value=0, max_value=1599))
def test_one_changed_bit_is_noticed(body: bytes, bit: int) -> None:
    secret, now = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", datetime(2026, 11, 11, tzinfo=UTC)
    headers = webhooks.signed_headers([secret], "evt_1", now, body)
    changed = bytearray(body or b"\0")  # an empty body becomes one byte, which is a change too
    changed[bit // 8 % len(changed)] ^= 1 << bit % 8
    with pytest.raises(webhooks.SignatureInvalid):
        webhooks.verify([secret], headers, bytes(changed), now)


@pytest.mark.parametrize("away", [-301, 301, 10**9])
def test_old_and_future_deliveries_are_refused(away: int) -> None:
    secret, now = webhooks.new_secret(), datetime(2026, 11, 11, tzinfo=UTC)
    headers = webhooks.signed_headers([secret], "evt_1", now + timedelta(seconds=away), b"x")
    with pytest.raises(webhooks.SignatureInvalid):
        webhooks.verify([secret], headers, b"x", now)


@given(st.dictionaries(st.sampled_from(["webhook-id", "webhook-timestamp", "webhook-signature"]), st.text()))
def test_malformed_headers_never_raise_anything_else(headers: dict[str, str]) -> None:
    with pytest.raises(webhooks.SignatureInvalid):
        webhooks.verify([webhooks.new_secret()], headers, b"\xff\xfe", datetime(2026, 11, 11, tzinfo=UTC))


@given(st.text())
def test_any_signature_text_is_survived(text: str) -> None:
    now = datetime(2026, 11, 11, tzinfo=UTC)
    headers = {"webhook-id": "m", "webhook-timestamp": str(int(now.timestamp())), "webhook-signature": "v1," + text}
    with pytest.raises(webhooks.SignatureInvalid):
        webhooks.verify([webhooks.new_secret()], headers, b"", now)


def test_another_timestamp_breaks_the_signature() -> None:
    secret, now = webhooks.new_secret(), datetime(2026, 11, 11, tzinfo=UTC)
    headers = webhooks.signed_headers([secret], "evt_1", now, b"x")
    headers["webhook-timestamp"] = str(int(now.timestamp()) + 1)
    with pytest.raises(webhooks.SignatureInvalid):
        webhooks.verify([secret], headers, b"x", now)


def test_an_id_with_a_dot_is_not_signed() -> None:
    with pytest.raises(ValueError, match="dot"):
        webhooks.sign(webhooks.new_secret(), "a.b", 1, b"")


@pytest.mark.parametrize("secret", ["whsec_", "whsec_ü", "whsec_abc", "%%%"])
def test_a_broken_secret_is_said_to_be_broken(secret: str) -> None:
    with pytest.raises(ValueError, match="webhook secret"):
        webhooks.secret_bytes(secret)
