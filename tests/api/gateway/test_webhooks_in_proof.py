"""Webhooks in: what proves a delivery, and what becomes of those that are not proven."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from api.gateway.sourcekit import HOUSE, PAID, made, received, signed
from kit.gateway import Suite
from standardwebhooks import Webhook

from gateway.webhooks_in import repository
from shared.clock import ManualClock


@pytest.mark.parametrize("scheme", HOUSE)
async def test_wrong_old_and_unknown_are_told_the_same(
    suite: Suite, post: Any, clock: ManualClock, scheme: str
) -> None:
    source, other = await made(suite, scheme=scheme), await made(suite, scheme=scheme)
    stranger = suite.client(None)
    answers = [
        await stranger.post(source["url"], content=b"{}"),
        await post({**source, "secret": other["secret"]}),
        await post({**source, "url": "/v1/hooks/whs_nobody"}),
        await post(source, headers={"webhook-signature": b"v1,\xe9", "x-hub-signature-256": b"sha256=\xe9"}),
    ]
    if scheme == "standard":
        answers.append(await post(source, at=clock.now() - timedelta(seconds=301)))
    assert {(answer.status_code, answer.json()["code"], answer.json()["detail"]) for answer in answers} == {
        (
            401,
            "delivery_not_proven",
            "This delivery is not proven: check the URL, the secret, the signature's headers and the clock.",
        )
    }
    assert await received(suite, source) == []
    await suite.running.tick()
    shown = (await suite.client().get(f"/v1/webhook-sources/{source['id']}")).json()
    assert shown["signature_failures"] == len(answers) - 1, "all but the one to nobody's URL"
    assert shown["last_failure_at"] == "2026-11-11T02:00:00Z"
    assert shown["last_failure"] in ("no signature matches", "the timestamp is too far from now")


async def test_failures_that_could_not_be_written_down_are_written_down_the_next_time(
    suite: Suite, post: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = await made(suite)
    forged = {**source, "secret": "whsec_" + "A" * 44}
    await post(forged)
    (noting,) = [loop for loop in suite.gateway.loops if loop.name == "note unproven webhooks"]

    async def fails(*_: Any) -> None:
        raise ConnectionError

    with monkeypatch.context() as patched, pytest.raises(ConnectionError):
        patched.setattr(repository, "count_failures", fails)
        await noting.tick()
    await post(forged)
    await noting.tick()
    shown = (await suite.client().get(f"/v1/webhook-sources/{source['id']}")).json()
    assert shown["signature_failures"] == 2


async def test_failures_are_throttled_by_address_and_never_stop_a_true_partner(run_gateway: Any, clock: Any) -> None:
    suite = await run_gateway(failures_per_minute=5)
    source = await made(suite)
    stranger = suite.client(None, "203.0.113.66")
    codes = [(await stranger.post(url, content=b"{}")).status_code for url in [source["url"], "/v1/hooks/x"] * 4]
    assert codes == [401] * 5 + [429] * 3
    body = json.dumps(PAID).encode()
    fine = await stranger.post(source["url"], content=body, headers=signed(source, body, "m", clock.now()))
    assert fine.json() == {"status": "accepted"}


async def test_deliveries_are_limited_by_address_and_size(run_gateway: Any, clock: Any) -> None:
    suite = await run_gateway(requests_per_minute_webhooks_in=3)
    source = await made(suite)
    body = json.dumps(PAID).encode()
    for expected in (202, 202, 202, 429):
        answer = await suite.client(None).post(
            source["url"], content=body, headers=signed(source, body, "m", clock.now())
        )
        assert answer.status_code == expected
        assert answer.headers["ratelimit-policy"] == '"hooks";q=3;w=60'
    assert answer.headers["retry-after"]
    big = await suite.client(None, "203.0.113.1").post(source["url"], content=b" " * ((1 << 20) + 1))
    assert (big.status_code, big.json()["code"]) == (413, "body_too_large")


async def test_repeated_headers_are_no_way_around_the_signature(suite: Suite, clock: ManualClock) -> None:
    source = await made(suite)
    body = json.dumps(PAID).encode()
    true = signed(source, body, "msg_1", clock.now())
    twice = [*true.items(), ("webhook-id", "msg_2")]
    answer = await suite.client(None).post(source["url"], content=body, headers=twice)
    assert answer.status_code == 202
    assert [row["delivery_id"] for row in await received(suite, source)] == ["msg_1"], "the one that was signed"


async def test_a_rotated_secret_proves_until_its_overlap_ends(suite: Suite, post: Any, clock: ManualClock) -> None:
    source = await made(suite)
    path = f"/v1/webhook-sources/{source['id']}"
    rotated = await suite.client().post(path + "/rotate-secret", json={"overlap_seconds": 60})
    new = rotated.json()
    assert (rotated.status_code, rotated.headers["cache-control"]) == (200, "no-store")
    assert new["secret"] != source["secret"]
    for number, secret in enumerate((source["secret"], new["secret"])):
        assert (await post({**source, "secret": secret}, PAID, f"m{number}")).status_code == 202
    clock.advance(seconds=60)
    assert (await post(source, PAID, "m3")).status_code == 401
    assert (await post(new, PAID, "m4")).status_code == 202
    for shown in (await suite.client().get(path), await suite.client().get("/v1/webhook-sources")):
        assert new["secret"] not in shown.text


async def test_a_partners_own_secret_may_be_given(suite: Suite, post: Any) -> None:
    source = await made(suite, scheme="github", secret="a secret of the partner's")
    assert source["secret"] == "a secret of the partner's"
    assert (await post(source)).status_code == 202
    own = {"secret": "another of the partner's", "overlap_seconds": 0}
    await suite.client().post(f"/v1/webhook-sources/{source['id']}/rotate-secret", json=own)
    assert (await post(source, PAID, "m2")).status_code == 401
    assert (await post({**source, "secret": own["secret"]}, PAID, "m2")).status_code == 202


async def test_the_clock_of_the_real_library_and_ours_agree(run_gateway: Any, clock: ManualClock) -> None:
    """The sender's library signs for this very second, as a partner's server would."""
    clock.set(datetime.now(UTC))
    suite = await run_gateway()
    source = await made(suite)
    body = json.dumps(PAID).encode()
    headers = signed(source, body, "msg_now", datetime.now(UTC))
    Webhook(source["secret"]).verify(body, headers)
    assert (await suite.client(None).post(source["url"], content=body, headers=headers)).status_code == 202
