"""Signed calls: the vectors of docs/keys.md, and that every bit of what is signed counts."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.signatures.rules import KEY_ID, NONCE, SIGNATURE, TIMESTAMP, RequestTarget, Signed, proven, read, sign

SECRET = "qysec_docs_only_0123456789abcdefghijklmnopq"
SIGNED = Signed("key_01", 1790000000, "n-1", ())
POST = RequestTarget("POST", b"/v1/coupon-templates/tpl_1/claims", b"")
GET = RequestTarget("GET", b"/v1/coupons", b"customer_id=%E5%BC%A0%E4%B8%89&limit=10")
VECTORS = [
    (POST, '{"customer_id":"张三"}'.encode(), "440a3e90212945052801405a45a2799804bd206c4d67f499831a2d305f3748c4"),
    (GET, b"", "b4a5a98d3c3aa2fdde6a2eff0b7a98780a547cdcb9e06def2a03a2c2b7c4098a"),
]


@pytest.mark.parametrize(("target", "body", "signature"), VECTORS)
def test_the_vectors_of_the_docs(target: RequestTarget, body: bytes, signature: str) -> None:
    assert sign(SECRET, SIGNED, target, body) == signature


@given(place=st.integers(0, 10**6), bit=st.integers(0, 7), part=st.sampled_from(["path", "query", "body"]))
def test_one_flipped_bit_anywhere_is_another_call(place: int, bit: int, part: str) -> None:
    whole = {"path": b"/v1/coupons", "query": b"limit=10", "body": b'{"a":1}'}
    right = sign(SECRET, SIGNED, RequestTarget("POST", whole["path"], whole["query"]), whole["body"])
    flipped = bytearray(whole[part])
    flipped[place % len(flipped)] ^= 1 << bit
    changed = whole | {part: bytes(flipped)}
    signed = SIGNED._replace(signatures=(right,))
    assert proven([SECRET], signed, RequestTarget("POST", whole["path"], whole["query"]), whole["body"])
    assert not proven([SECRET], signed, RequestTarget("POST", changed["path"], changed["query"]), changed["body"])


@pytest.mark.parametrize(
    "other", [SIGNED._replace(timestamp=1790000001), SIGNED._replace(nonce="n-2"), SIGNED._replace(nonce="")]
)
def test_timestamp_and_nonce_are_signed(other: Signed) -> None:
    assert sign(SECRET, SIGNED, GET, b"") != sign(SECRET, other, GET, b"")


def test_nothing_moves_from_one_line_into_the_next() -> None:
    assert sign(SECRET, SIGNED, RequestTarget("GET", b"/a\nb", b""), b"") != sign(
        SECRET, SIGNED, RequestTarget("GET", b"/a", b"b"), b""
    )


def test_either_of_two_signatures_and_either_of_two_secrets_is_enough() -> None:
    good, bad = sign("new", SIGNED, GET, b""), "0" * 64
    assert proven(["new", "old"], SIGNED._replace(signatures=(bad, good)), GET, b"")
    assert proven(["old", "new"], SIGNED._replace(signatures=(good,)), GET, b"")
    assert not proven(["old"], SIGNED._replace(signatures=(good, bad)), GET, b"")
    assert not proven([], SIGNED._replace(signatures=(good,)), GET, b"")


GOOD = {KEY_ID: b"key_01", TIMESTAMP: b"1790000000", NONCE: b"aZ_-9", SIGNATURE: b"v1=" + b"0" * 64}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        (KEY_ID, b""),
        (KEY_ID, b"key'; drop"),
        (TIMESTAMP, b"1790000000.5"),
        (TIMESTAMP, b"01790000000"),
        (TIMESTAMP, b"-1"),
        (TIMESTAMP, b"9" * 400),
        (NONCE, b""),
        (NONCE, b"x" * 65),
        (NONCE, "空".encode()),
        (SIGNATURE, b"v1=xyz"),
        (SIGNATURE, b"v1=" + b"A" * 64),
        (SIGNATURE, b"v2=" + b"0" * 64),
        (SIGNATURE, b"v1=" + b"0" * 64 + b"\xff"),
        (SIGNATURE, b",".join([b"v1=" + b"0" * 64] * 3)),
    ],
)
def test_a_misshapen_header_is_named(name: bytes, value: bytes) -> None:
    with pytest.raises(ValueError, match=name.decode()):
        read(list((GOOD | {name: value}).items()))


@pytest.mark.parametrize("name", GOOD)
def test_each_header_stands_once(name: bytes) -> None:
    with pytest.raises(ValueError, match=name.decode()):
        read([pair for pair in GOOD.items() if pair[0] != name])
    with pytest.raises(ValueError, match="twice"):
        read([*GOOD.items(), (name, GOOD[name])])


def test_five_minutes_either_way_are_in_time() -> None:
    now = datetime.fromtimestamp(1790000000, UTC)
    assert [SIGNED.in_time(now + timedelta(seconds=one)) for one in (-301, -300, 0, 300, 301)] == [
        *(False, True, True, True, False)
    ]
