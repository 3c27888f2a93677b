"""Partners that sign their calls in place of sending the key: what opens, what does not, once each."""

import asyncio
from datetime import timedelta
from typing import Any

import httpx
import pytest
from api.gateway.conftest import RunGateway
from api.gateway.keykit import THING, made_with, rotated, status_of
from api.gateway.signkit import Signer, signing_secret
from kit.gateway import Suite
from sqlalchemy import select

from gateway.keys.models import ApiKey
from shared.clock import ManualClock


class Partner:
    """A partner key that has a signing secret."""

    def __init__(self, suite: Suite, key: dict[str, Any], secret: str, clock: ManualClock) -> None:
        self.suite, self.key, self.secret, self.clock = suite, key, secret, clock

    def signer(self, **changed: str) -> Signer:
        return Signer(self.key["id"], [self.secret], self.clock, **changed)

    async def call(self, **changed: str) -> httpx.Response:
        client = self.suite.client(None)
        return await client.post("/v1/things?a=%E5%BC%A0&b", content=b'{"name":"x"}', auth=self.signer(**changed))


@pytest.fixture
async def partner(suite: Suite, clock: ManualClock) -> Partner:
    key = await made_with(suite, None, **THING | {"kind": "partner"})
    return Partner(suite, key, await signing_secret(suite, key["id"]), clock)


async def test_a_signed_call_passes_whole_and_nothing_of_the_proof_goes_on(partner: Partner) -> None:
    answer = await partner.call()
    assert answer.status_code == 200, answer.text
    assert "ratelimit" in answer.headers
    seen = partner.suite.parts["coupon"].seen[-1]
    assert (seen["body"], seen["query"]) == (b'{"name":"x"}', "a=%E5%BC%A0&b")
    assert seen["caller"].key_id == partner.key["id"]
    assert not any(name.startswith("x-quanyu-") for name, _ in seen["headers"])


async def test_a_nonce_is_good_once_even_for_many_at_once(partner: Partner) -> None:
    answers = await asyncio.gather(*(partner.call(nonce="same") for _ in range(8)))
    assert sorted(one.status_code for one in answers) == [200, *[401] * 7]
    assert {one.json()["code"] for one in answers if one.status_code == 401} == {"nonce_reused"}
    assert len(partner.suite.parts["coupon"].seen) == 1
    partner.clock.advance(timedelta(seconds=500))
    assert (await partner.call(nonce="same")).json()["code"] == "nonce_reused"


async def test_who_cannot_sign_uses_up_no_nonce(partner: Partner) -> None:
    thief = Signer(partner.key["id"], ["qysec_guessed"], partner.clock, nonce="mine")
    answer = await partner.suite.client(None).post("/v1/things", content=b"{}", auth=thief)
    assert (answer.status_code, answer.json()["code"]) == (401, "signature_invalid")
    assert partner.suite.parts["coupon"].seen == []
    assert (await partner.call(nonce="mine")).status_code == 200


@pytest.mark.parametrize(("seconds", "status"), [(-301, 401), (-299, 200), (299, 200), (301, 401)])
async def test_clocks_may_differ_by_five_minutes(partner: Partner, seconds: int, status: int) -> None:
    stamp = str(int(partner.clock.now().timestamp()) + seconds)
    answer = await partner.call(timestamp=stamp)
    assert answer.status_code == status
    assert status == 200 or answer.json()["code"] == "signature_expired"


async def test_a_body_that_changed_on_its_way_has_no_effect(partner: Partner) -> None:
    request = partner.suite.client(None).build_request("POST", "/v1/things", content=b'{"amount":1}')
    signed = next(iter(partner.signer().auth_flow(request)))
    for content in (b'{"amount":9}', b""):
        answer = await partner.suite.client(None).post("/v1/things", content=content, headers=signed.headers)
        assert answer.json()["code"] == "signature_invalid"
    assert partner.suite.parts["coupon"].seen == []


async def test_a_body_without_a_length_is_proven_too_and_bounded(partner: Partner) -> None:
    async def pieces(size: int) -> Any:
        for _ in range(size):
            yield b"x" * 1024

    async def read(self: Signer, request: httpx.Request) -> Any:
        body = b"".join([one async for one in pieces(int(self.changed["size"]))])
        copy = httpx.Request(request.method, request.url, content=body)
        signed = next(iter(self.auth_flow(copy)))
        request.headers.update({name: one for name, one in signed.headers.items() if name.startswith("x-quanyu")})
        return request

    client = partner.suite.client(None)
    for size, status in ((100, 200), (9 * 1024, 413)):
        request = client.build_request("POST", "/v1/things/import", content=pieces(size))
        await read(partner.signer(size=str(size)), request)
        assert (await client.send(request)).status_code == status
    assert [len(one["body"]) for one in partner.suite.parts["coupon"].seen] == [100 * 1024]


async def test_who_names_no_key_is_refused_before_the_body_is_read(partner: Partner) -> None:
    taken = []

    async def pieces() -> Any:
        taken.append("read")
        yield b"x" * 1024

    client = partner.suite.client(None)
    signed = next(
        Signer("key_nobody", ["qysec_guessed"], partner.clock).auth_flow(httpx.Request("POST", client.base_url))
    )
    headers = {name: one for name, one in signed.headers.items() if name.startswith("x-quanyu")}
    answer = await client.post("/v1/things/import", content=pieces(), headers=headers)
    assert (answer.status_code, answer.json()["code"], taken) == (401, "signature_invalid", [])


async def test_a_key_that_must_sign_opens_nothing_alone(partner: Partner) -> None:
    assert await status_of(partner.suite, partner.key["key"]) == 200
    partner.secret = await signing_secret(partner.suite, partner.key["id"], require_signature=True)
    answer = await partner.suite.client(partner.key["key"]).get("/v1/things/1")
    assert (answer.status_code, answer.json()["code"]) == (401, "signature_required")
    assert (await partner.call()).status_code == 200
    successor = await rotated(partner.suite, partner.key)
    assert successor["require_signature"]
    assert await status_of(partner.suite, successor["key"]) == 401


async def test_an_old_secret_signs_to_the_second_of_its_end(partner: Partner) -> None:
    old, new = partner.secret, await signing_secret(partner.suite, partner.key["id"], overlap_seconds=60)
    for secret in (old, new):
        partner.secret = secret
        assert (await partner.call()).status_code == 200
    partner.clock.advance(timedelta(seconds=59))
    partner.secret = old
    assert (await partner.call()).status_code == 200
    partner.clock.advance(timedelta(seconds=1))
    assert (await partner.call()).json()["code"] == "signature_invalid"
    both = Signer(partner.key["id"], [old, new], partner.clock)
    assert (await partner.suite.client(None).get("/v1/things/1", auth=both)).status_code == 200


async def test_a_rotated_key_and_its_successor_share_secret_and_nonces(partner: Partner) -> None:
    successor = await rotated(partner.suite, partner.key)
    assert (await partner.call(nonce="n")).status_code == 200
    partner.key = successor
    assert (await partner.call(nonce="n")).json()["code"] == "nonce_reused"
    assert (await partner.call(nonce="m")).status_code == 200


async def test_what_ends_the_key_ends_its_signatures(partner: Partner) -> None:
    assert (await partner.call()).status_code == 200
    await partner.suite.client().delete(f"/v1/keys/{partner.key['id']}")
    assert (await partner.call()).json()["code"] == "signature_invalid"


async def test_only_where_the_key_may_be_used_and_for_what_it_may_do(suite: Suite, clock: ManualClock) -> None:
    key = await made_with(suite, None, **THING, allowed_ips=["203.0.113.0/24"])
    signer = Signer(key["id"], [await signing_secret(suite, key["id"])], clock)
    assert (await suite.client(None, "203.0.113.5").get("/v1/things/1", auth=signer)).status_code == 200
    assert (await suite.client(None, "198.51.100.7").get("/v1/things/1", auth=signer)).status_code == 401
    assert (await suite.client(None, "203.0.113.5").get("/v1/things/special", auth=signer)).status_code == 403


async def test_two_credentials_are_ambiguous(partner: Partner) -> None:
    keyed = partner.suite.client(partner.key["key"])
    answer = await keyed.get("/v1/things/1", auth=partner.signer())
    assert (answer.status_code, answer.json()["code"]) == (400, "two_credentials")


@pytest.mark.parametrize("changed", [{"nonce": "with blank"}, {"timestamp": "yesterday"}])
async def test_a_misshapen_signature_is_401(partner: Partner, changed: dict[str, str]) -> None:
    answer = await partner.call(**changed)
    assert (answer.status_code, answer.json()["code"]) == (401, "signature_malformed")


async def test_guessing_signatures_is_slowed_and_locks_no_partner_out(
    run_gateway: RunGateway, clock: ManualClock
) -> None:
    suite = await run_gateway(failures_per_minute=3, requests_per_minute_anonymous=10)
    key = await made_with(suite, None, **THING)
    right = Signer(key["id"], [await signing_secret(suite, key["id"])], clock)
    wrong = Signer(key["id"], ["qysec_guessed"], clock)
    client = suite.client(None)
    codes = [(await client.get("/v1/things/1", auth=wrong)).status_code for _ in range(6)]
    assert codes == [401, 401, 401, 429, 429, 429]
    assert (await client.get("/v1/things/1", auth=right)).status_code == 200


async def test_no_secret_lies_open_and_publishable_keys_have_none(partner: Partner) -> None:
    async with partner.suite.gateway.kit.db.read() as tx:
        dump = str((await tx.execute(select(ApiKey.table))).all())
        log = str((await tx.execute(select(partner.suite.gateway.kit.metadata.tables["audit_log"]))).all())
    assert partner.secret not in dump + log
    assert "key.rotate_signing_secret" in log
    shown = (await partner.suite.client().get(f"/v1/keys/{partner.key['id']}")).json()
    assert (shown["signs"], "signing_secret" in shown) == (True, False)
    page = await made_with(partner.suite, None, kind="publishable")
    answer = await partner.suite.client().post(f"/v1/keys/{page['id']}/rotate-signing-secret")
    assert (answer.status_code, answer.json()["code"]) == (409, "not_signing")


async def test_what_a_signing_key_makes_must_sign_and_only_the_merchant_lets_it_off(
    suite: Suite, clock: ManualClock
) -> None:
    maker = await made_with(suite, None, kind="partner", scopes=["coupon:things:*", "gateway:keys:write"])
    secret = await signing_secret(suite, maker["id"], require_signature=True)
    client, signer = suite.client(None), Signer(maker["id"], [secret], clock)
    made = await client.post("/v1/keys", json={"name": "made", **THING}, auth=signer)
    assert made.json()["require_signature"]
    assert await status_of(suite, made.json()["key"]) == 401
    for key_id in (maker["id"], made.json()["id"]):
        path = f"/v1/keys/{key_id}/rotate-signing-secret"
        off = await client.post(path, json={"require_signature": False}, auth=signer)
        assert (off.status_code, off.json()["code"]) == (403, "kind_not_allowed")
    await signing_secret(suite, made.json()["id"], require_signature=False)
    assert await status_of(suite, made.json()["key"]) == 200
