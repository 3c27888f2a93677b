"""The platforms' schemes: published vectors, another person's signer, one flipped bit in each field, everything malformed."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kit.platforms import FORM, SERIAL, SIGNERS, Sent, changed, secret_of

from gateway.webhooks_in.pointers import found
from gateway.webhooks_in.schemes import SCHEMES, Posted, Secret
from shared.webhooks import SignatureInvalid

NOW = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)
NAMES = sorted(SIGNERS)
DOCUMENT = '{"type":"order.paid","data":{"order_id":"单1","note":"满300减50"}}'
TIMED = sorted(set(NAMES) - {"douyin", "douyin_open"})
each = pytest.mark.parametrize("name", NAMES)


def sent(name: str, document: str = DOCUMENT, at: datetime = NOW) -> Sent:
    return SIGNERS[name][0](secret_of(name), document, at)


def refusal(name: str, delivery: Posted, at: datetime = NOW) -> str:
    with pytest.raises(SignatureInvalid) as refused:
        SCHEMES[name].prove([secret_of(name)], delivery, at)
    return refused.value.reason


def test_every_platform_has_a_signer() -> None:
    assert set(SIGNERS) == set(SCHEMES) - {"standard", "github"}


@each
def test_a_delivery_of_the_platform_is_proven_and_read(name: str) -> None:
    other = {key: value[:-1] + "x" for key, value in secret_of(name).items()}
    live: list[Secret] = [other | secret_of(name) if name == "wechat_pay" else other, secret_of(name)]
    proven = SCHEMES[name].prove(live, sent(name).delivery, NOW)
    (told,) = proven.told
    assert proven.secret == (live[0] if name == "wechat_pay" else live[1])
    assert found(json.loads(told.body), SIGNERS[name][1] + "/data/order_id") == "单1"
    assert 1 <= len(told.delivery_id) <= 200
    assert SCHEMES[name].answer(proven, NOW) is not None


@pytest.mark.parametrize("name", sorted(set(NAMES) - {"wechat_pay"}))
def test_a_repetition_has_the_same_id_and_another_message_another(name: str) -> None:
    """WeChat Pay's own id is under the signature."""
    ids = [
        SCHEMES[name].prove([secret_of(name)], sent(name, document).delivery, NOW).told[0].delivery_id
        for document in (DOCUMENT, DOCUMENT, DOCUMENT.replace("paid", "completed"))
    ]
    assert ids[0] == ids[1] != ids[2], "sealed anew, WeChat's message is still the same"


@pytest.mark.parametrize("name", TIMED)
def test_what_is_old_or_from_the_future_is_refused(name: str) -> None:
    minutes = {"jd": 6, "pdd": 10}.get(name, 5)
    for away in (-1, 1):
        edge = timedelta(minutes=minutes) * away
        assert SCHEMES[name].prove([secret_of(name)], sent(name, at=NOW + edge).delivery, NOW)
        assert "timestamp" in refusal(name, sent(name, at=NOW + edge + timedelta(seconds=away)).delivery)


def fields_of(name: str, one: Sent) -> Iterator[tuple[str, str, str]]:
    """Every signed field: where, its name, its value. What no platform signs stands in each scheme's document."""
    unsigned = {"content-type", "top-sign-list", "format", "signature" if name == "dingtalk" else ""}
    for place in ("headers", "query", "form"):
        for key, value in getattr(one, place).items():
            if key not in unsigned:
                yield place, key, value


@each
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_one_flipped_bit_in_any_field_proves_nothing(name: str, data: st.DataObject) -> None:
    one = sent(name)
    place, key, value = data.draw(st.sampled_from(list(fields_of(name, one))))
    raw = value.encode()
    spot, bit = data.draw(st.integers(0, len(raw) - 1)), data.draw(st.integers(0, 7))
    damaged = (raw[:spot] + bytes([raw[spot] ^ 1 << bit]) + raw[spot + 1 :]).decode("latin-1")
    assert refusal(name, changed(one, place, key, damaged).delivery)


@each
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_one_flipped_bit_of_the_body_proves_nothing_or_changes_nothing(name: str, data: st.DataObject) -> None:
    one = sent(name)
    body, true = one.body, SCHEMES[name].prove([secret_of(name)], one.delivery, NOW)
    spot, bit = data.draw(st.integers(0, len(body) - 1)), data.draw(st.integers(0, 7))
    damaged = body[:spot] + bytes([body[spot] ^ 1 << bit]) + body[spot + 1 :]
    try:
        proven = SCHEMES[name].prove([secret_of(name)], Posted(one.headers, damaged, one.delivery.query), NOW)
    except SignatureInvalid:
        return
    assert name in ("taobao", "jd", "pdd", "wechat", "wecom", "dingtalk"), "the others sign every byte"
    assert [(told.delivery_id, told.body) for told in proven.told] == [(t.delivery_id, t.body) for t in true.told]


@each
@settings(max_examples=100, deadline=None)
@given(
    headers=st.dictionaries(
        st.sampled_from(
            ["event-sign", "app-id", "content-type", "top-sign-list", "x-douyin-signature", "wechatpay-serial"]
            + [f"wechatpay-{one}" for one in ("timestamp", "nonce", "signature")]
        ),
        st.text(max_size=30) | st.just(SERIAL) | st.just(FORM["content-type"]) | st.just(str(int(NOW.timestamp()))),
    ),
    body=st.binary(max_size=40)
    | st.sampled_from([b"<xml><Encrypt>a</Encrypt></xml>", b'{"encrypt":"x"}', b"sign=1&sign=2"]),
    query=st.lists(
        st.tuples(
            st.sampled_from(["sign", "timestamp", "nonce", "signature", "msg_signature", "echostr"]),
            st.text(max_size=30) | st.just("1409659589"),
        )
    ),
)
def test_whatever_is_sent_nothing_else_is_raised(
    name: str, headers: dict[str, str], body: bytes, query: list[tuple[str, str]]
) -> None:
    delivery = Posted(headers, body, query)
    for ask in (SCHEMES[name].prove, SCHEMES[name].echo):
        with pytest.raises(SignatureInvalid):
            ask([secret_of(name)], delivery, NOW)


@each
def test_secrets_of_platforms_are_checked(name: str) -> None:
    SCHEMES[name].check_secret(secret_of(name))
    for field in secret_of(name):
        for wrong in ("", "x", " blank ", "a\nb"):
            with pytest.raises(ValueError, match=r"secret|characters|EncodingAESKey"):
                SCHEMES[name].check_secret(secret_of(name) | {field: wrong})
    with pytest.raises(ValueError, match=r"field|APIv3"):
        SCHEMES[name].check_secret({})


LAUGHS = b"""<?xml version="1.0"?><!DOCTYPE xml [<!ENTITY lol "lol"><!ENTITY lol1 "&lol;&lol;&lol;&lol;">
<!ENTITY file SYSTEM "file:///etc/passwd">]><xml><Encrypt>&lol1;&file;</Encrypt></xml>"""


@pytest.mark.parametrize("name", ["wechat", "wecom", "dingtalk"])
@pytest.mark.parametrize("body", [LAUGHS, b"<xml>" * 5000, b"<xml><a></xml>", b"<!DOCTYPE xml><xml/>"])
def test_attack_57_xml_with_a_document_type_is_refused(name: str, body: bytes) -> None:
    assert "XML" in refusal(name, replace(sent(name), raw=body).delivery)


def test_wechat_pay_believes_the_keys_it_was_given_and_no_other() -> None:
    one, scheme = sent("wechat_pay"), SCHEMES["wechat_pay"]
    secret = secret_of("wechat_pay")
    without = {key: value for key, value in secret.items() if key != SERIAL}
    for wrong in (without, without | {"PUB_KEY_ID_02": secret[SERIAL]}):
        with pytest.raises(SignatureInvalid, match="no signature matches"):
            scheme.prove([wrong], one.delivery, NOW)
    with pytest.raises(SignatureInvalid, match="APIv3"):
        scheme.prove([secret | {"api_v3_key": "x" * 32}], one.delivery, NOW)
    assert scheme.prove([secret | {"PUB_KEY_ID_02": secret[SERIAL]}], one.delivery, NOW)
    probe = changed(one, "headers", "wechatpay-signature", "WECHATPAY/SIGNTEST/" + one.headers["wechatpay-signature"])
    assert refusal("wechat_pay", probe.delivery), "the platform's own trial of who checks"
