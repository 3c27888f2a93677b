"""Attacks 55 and 58: the published samples are proven; one flipped bit in any field, or nonsense for a signature, is 401."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from api.gateway.sourcekit import HOUSE, PAID, made, received, signed
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from kit.examples import examples
from kit.gateway import Suite
from pydantic_core import to_json

from gateway.webhooks_in.schemes import SCHEMES, Posted, Secret
from shared.clock import ManualClock
from shared.webhooks import SignatureInvalid

Headers = dict[str, str]
UNSIGNED = {"x-github-delivery"}
"""What GitHub's manner does not put under its signature (gateway/README.md, known limits)."""


@dataclass(frozen=True)
class Sample:
    """A delivery as the scheme's own document shows it."""

    scheme: str
    secret: str
    headers: Headers
    body: bytes
    at: datetime
    answer: tuple[int, Any]


SAMPLES = {
    "standard": Sample(
        "standard",
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        {
            "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
            "webhook-timestamp": "1614265330",
            "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
        },
        b'{"test": 2432232314}',
        datetime.fromtimestamp(1614265330, UTC),
        (202, "ignored"),
    ),
    "github": Sample(
        "github",
        "It's a Secret to Everybody",
        {
            "x-github-delivery": "72d3162e-cc78-11e3-81ab-4c9367dc0958",
            "x-hub-signature-256": "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17",
        },
        b"Hello, World!",
        datetime(2026, 11, 11, tzinfo=UTC),
        (422, "malformed_json"),
    ),
}
each = pytest.mark.parametrize("name", sorted(SAMPLES))


def test_attack_55_each_scheme_has_its_sample() -> None:
    assert set(SAMPLES) == set(HOUSE)


def flipped(data: bytes) -> Iterator[bytes]:
    """Every text that is one bit away."""
    for place in range(len(data)):
        for bit in range(8):
            yield data[:place] + bytes([data[place] ^ 1 << bit]) + data[place + 1 :]


def damaged(sample: Sample) -> Iterator[tuple[Headers, bytes]]:
    """The sample with one bit flipped in one signed field, in every way."""
    for name, value in sample.headers.items():
        if name not in UNSIGNED:
            for wrong in flipped(value.encode("latin-1")):
                yield sample.headers | {name: wrong.decode("latin-1")}, sample.body
    for wrong in flipped(sample.body):
        yield sample.headers, wrong


@each
def test_attack_55_one_flipped_bit_in_any_field_proves_nothing(name: str) -> None:
    sample, scheme = SAMPLES[name], SCHEMES[name]
    live: list[Secret] = [{"secret": sample.secret}]
    assert scheme.prove(live, Posted(sample.headers, sample.body), sample.at)
    tried = 0
    for headers, body in damaged(sample):
        with pytest.raises(SignatureInvalid):
            scheme.prove(live, Posted(headers, body), sample.at)
        tried += 1
    assert tried > 600


@each
async def test_attack_55_at_the_door(run_gateway: Any, clock: ManualClock, name: str) -> None:
    sample = SAMPLES[name]
    clock.set(sample.at)
    suite: Suite = await run_gateway(failures_per_minute=10_000)
    source = await made(suite, scheme=name, secret=sample.secret)
    client = suite.client(None)
    passed = await client.post(source["url"], content=sample.body, headers=sample.headers)
    shown = passed.json()
    assert (passed.status_code, shown.get("code", shown["status"])) == sample.answer
    for headers, body in list(damaged(sample))[::17]:
        raw = [(key.encode(), value.encode("latin-1")) for key, value in headers.items()]
        answer = await client.post(source["url"], content=body, headers=raw)
        assert (answer.status_code, answer.json()["code"]) == (401, "delivery_not_proven"), (headers, body)
    assert len(await received(suite, source)) == 1


NONSENSE = [
    *(b"", b" ", b",", b"v1", b"v1,", b"v1,=", b"v1,====", b"sha256=", b"sha256", b"sha1=00", b"=", b"v1,\xff\xfe"),
    *(b"v1," + b"A" * 43 + b"=", b"v1a,AAAA", b"v2,AAAA v1,AAAA", b"\xe4\xbd\xa0", b"v1,A" * 5000, b" " * 9000),
    *(b"sha256=" + b"f" * 64, b"sha256=" + b"\xc3\xa9" * 32, b"null", b"[]", b"{}", b"%00", b"\t", b"v1,\t="),
]
STAMPS = [b"", b"-1", b"1e9", b"0x10", b"9" * 5000, b"NaN", b" 1", b"1.5", b"\xb2", b"\xd9\xa1", b"+1614265330"]
NAMES = ["webhook-id", "webhook-timestamp", "webhook-signature", "x-github-delivery", "x-hub-signature-256"]


async def refuses(client: httpx.AsyncClient, url: str, headers: list[tuple[bytes, bytes]], body: bytes) -> None:
    answer = await client.post(url, content=body, headers=headers)
    assert answer.status_code in (401, 431), (headers, answer.text)
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["request_id"]


@each
async def test_attack_58_a_malformed_signature_is_401_and_never_500(
    run_gateway: Any, clock: ManualClock, name: str
) -> None:
    suite: Suite = await run_gateway(failures_per_minute=10_000)
    source, body = await made(suite, scheme=name), to_json(PAID)
    true = {key.encode(): value.encode() for key, value in signed(source, body, "m1", clock.now()).items()}
    client = suite.client(None)
    for nonsense in (*NONSENSE, *STAMPS):
        for header in true:
            if header.decode() not in UNSIGNED:
                await refuses(client, source["url"], list((true | {header: nonsense}).items()), body)
                await refuses(client, source["url"], [(header, nonsense), *true.items()], body)
    for header in true:
        await refuses(client, source["url"], [pair for pair in true.items() if pair[0] != header], body)
    assert await received(suite, source) == []
    assert (await client.post(source["url"], content=body, headers=list(true.items()))).status_code == 202


async def test_attack_58_whatever_stands_in_the_headers(run_gateway: Any) -> None:
    suite: Suite = await run_gateway(failures_per_minute=10**6, requests_per_minute_webhooks_in=10**6)
    sources = [await made(suite, scheme=name) for name in HOUSE]
    client = suite.client(None)
    tried: list[tuple[list[tuple[bytes, bytes]], bytes]] = []
    headers = st.lists(
        st.tuples(st.sampled_from([name.encode() for name in NAMES]), st.binary(max_size=80)), max_size=6
    )

    @settings(max_examples=examples(200), suppress_health_check=list(HealthCheck), database=None)
    @given(headers, st.binary(max_size=40))
    def collect(given_headers: list[tuple[bytes, bytes]], body: bytes) -> None:
        tried.append((given_headers, body))

    collect()
    for given_headers, body in tried:
        for source in sources:
            await refuses(client, source["url"], given_headers, body)
