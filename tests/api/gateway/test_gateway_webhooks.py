"""Webhooks out: from an event on the bus to a real receiver, and what happens when the receiver is not well."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest
from kit.gateway import Suite
from kit.upstream import RawServer, read_request
from pydantic_core import to_json
from sqlalchemy import select
from standardwebhooks import Webhook

from gateway.webhooks_out.models import Attempt, WebhookEvent
from shared.clock import ManualClock
from shared.contracts import CouponRedeemed, StockSoldOut
from shared.messaging import Pack
from shared.web.schemas import rfc3339
from shared.webhooks import SignatureInvalid, verify

Answering = Callable[[int], bytes]
COUPON = CouponRedeemed(
    coupon_id="cpn_1",
    template_id="tpl_1",
    customer_id="客户1",
    checkout_id="chk_1",
    order_id="o1",
    amount=5000,
    currency="CNY",
)
STOCK = StockSoldOut(sku="s1", location_id="wh", available=0)


def answer(status: int, extra: str = "", body: str = "") -> bytes:
    text = body.encode()
    return f"HTTP/1.1 {status} X\r\ncontent-length: {len(text)}\r\n{extra}\r\n".encode() + text


class Receiver:
    """A partner's server. `got` holds (headers, body) of every request; `answers` is asked with their number."""

    def __init__(self, answers: Answering = lambda number: answer(200, body="thanks")) -> None:
        self.got: list[tuple[dict[str, str], bytes]] = []
        self.first = asyncio.Event()
        self.answers = answers
        self.server = RawServer(self._serve)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head, body = await read_request(reader)
        lines = head.decode("latin-1").split("\r\n")[1:-2]
        pairs = (line.partition(": ") for line in lines)
        self.got.append(({name.lower(): value for name, _, value in pairs}, body))
        self.first.set()
        writer.write(self.answers(len(self.got)))
        await writer.drain()

    @property
    def ids(self) -> list[str]:
        return [headers["webhook-id"] for headers, _ in self.got]


@asynccontextmanager
async def receiving(answers: Answering | None = None) -> AsyncIterator[Receiver]:
    receiver = Receiver(answers) if answers else Receiver()
    async with receiver.server.running():
        yield receiver


async def register(suite: Suite, receiver: Receiver, *events: str, key: str | None = None) -> dict[str, Any]:
    client = suite.client(key) if key else suite.client()
    body = {"url": receiver.server.url + "/hooks", "events": list(events) or ["*"]}
    made = await client.post("/v1/webhook-endpoints", json=body)
    assert made.status_code == 201, made.text
    found: dict[str, Any] = made.json()
    return found


async def publish(suite: Suite, *events: Any, ids: list[str] | None = None) -> list[str]:
    """Put events on the bus as a service would, and wait until the gateway has taken them."""
    now = suite.gateway.kit.clock.now()
    ids = ids or [f"evt_{id(event)}_{number}" for number, event in enumerate(events)]
    packs: list[Pack] = []
    for one, event in zip(ids, events, strict=True):
        envelope = {"id": one, "name": event.name, "version": 1, "occurred_at": rfc3339(now), "payload": event}
        packs.append(Pack(f"{one}-{len(packs)}", event.name, to_json([envelope])))
    await suite.running.bus.publish(packs)
    await suite.running.drain()
    return ids


async def deliver(suite: Suite) -> None:
    await suite.gateway.webhooks_out.worker.tick()
    await suite.gateway.webhooks_out.worker.idle()


async def deliveries(suite: Suite, endpoint: dict[str, Any], **filters: Any) -> list[dict[str, Any]]:
    answered = await suite.client().get(f"/v1/webhook-endpoints/{endpoint['id']}/deliveries", params=filters)
    found: list[dict[str, Any]] = answered.json()["data"]
    return found


async def test_an_event_arrives_signed_over_the_very_bytes_that_were_sent(suite: Suite, clock: ManualClock) -> None:
    async with receiving() as receiver:
        endpoint = await register(suite, receiver, "coupon.redeemed", "stock.*")
        event_id, _ = await publish(suite, COUPON, STOCK)
        await deliver(suite)
        assert len(receiver.got) == 2
        headers, body = receiver.got[receiver.ids.index(event_id)]
        assert verify([endpoint["secret"]], headers, body, clock.now()) == event_id
        with pytest.raises(SignatureInvalid):
            verify([endpoint["secret"]], headers, body + b" ", clock.now())
        document = json.loads(body)
        assert (document["type"], document["timestamp"]) == ("coupon.redeemed", "2026-11-11T02:00:00Z")
        assert document["data"] == COUPON.model_dump()
        detail = (
            await suite.client().get(f"/v1/webhook-deliveries/{(await deliveries(suite, endpoint))[0]['id']}")
        ).json()
        assert detail["status"] == "delivered"
        assert detail["payload"].encode() in [sent for _, sent in receiver.got]
        assert [(one["status"], one["answer"]) for one in detail["tries"]] == [(200, "thanks")]


async def test_the_official_library_of_the_receiver_accepts_it(run_gateway: Any, clock: ManualClock) -> None:
    from datetime import UTC, datetime

    suite = await run_gateway()
    clock.set(datetime.now(UTC))  # that library has no clock but the machine's
    async with receiving() as receiver:
        endpoint = await register(suite, receiver)
        rotated = await suite.client().post(f"/v1/webhook-endpoints/{endpoint['id']}/rotate-secret")
        await publish(suite, COUPON)
        await deliver(suite)
        ((headers, body),) = receiver.got
        assert len(headers["webhook-signature"].split(" ")) == 2, "two signatures while the secret is being rotated"
        for secret in (endpoint["secret"], rotated.json()["secret"]):
            Webhook(secret).verify(body, headers)


async def test_an_old_secret_signs_until_its_overlap_ends(suite: Suite, clock: ManualClock) -> None:
    async with receiving() as receiver:
        endpoint = await register(suite, receiver)
        path = f"/v1/webhook-endpoints/{endpoint['id']}"
        new = (await suite.client().post(path + "/rotate-secret", json={"overlap_seconds": 60})).json()["secret"]
        assert "secret" not in (await suite.client().get(path)).json()
        clock.advance(seconds=60)
        await publish(suite, COUPON)
        await deliver(suite)
        ((headers, body),) = receiver.got
        verify([new], headers, body, clock.now())
        with pytest.raises(SignatureInvalid):
            verify([endpoint["secret"]], headers, body, clock.now())


async def test_one_delivery_per_event_and_endpoint_however_often_the_event_comes(suite: Suite) -> None:
    async with receiving() as receiver:
        first, second = await register(suite, receiver, "coupon.*"), await register(suite, receiver, "*")
        ids = await publish(suite, COUPON, COUPON, ids=["evt_same", "evt_same"])
        await publish(suite, COUPON, ids=ids[:1])
        for _ in range(3):
            await deliver(suite)
        assert receiver.ids == ["evt_same", "evt_same"], "once to each of the two"
        for endpoint in (first, second):
            assert len(await deliveries(suite, endpoint)) == 1


async def test_only_what_was_asked_for_is_sent(suite: Suite) -> None:
    async with receiving() as receiver:
        await register(suite, receiver, "coupon.issued", "reservation.*")
        await publish(suite, COUPON, STOCK)
        await deliver(suite)
        assert receiver.got == []


async def test_failures_are_tried_again_on_schedule_with_the_same_id_and_a_fresh_time(
    run_gateway: Any, clock: ManualClock
) -> None:
    suite = await run_gateway(webhooks_schedule_seconds=(0, 5, 300), webhooks_jitter=0)
    async with receiving(lambda number: answer(500 if number < 3 else 204)) as receiver:
        endpoint = await register(suite, receiver)
        await publish(suite, COUPON)
        for step, expected in ((0, 1), (4.9, 1), (0.1, 2), (299, 2), (1, 3), (5000, 3)):
            clock.advance(seconds=step)
            await deliver(suite)
            assert len(receiver.got) == expected
        assert len(set(receiver.ids)) == 1
        stamps = [int(headers["webhook-timestamp"]) for headers, _ in receiver.got]
        assert (stamps[1] - stamps[0], stamps[2] - stamps[1]) == (5, 300)
        for headers, body in receiver.got:
            verify([endpoint["secret"]], headers, body, clock.now(), tolerance=timedelta(hours=2))
        (delivery,) = await deliveries(suite, endpoint)
        assert (delivery["status"], delivery["attempts"], delivery["last_status"]) == ("delivered", 3, 204)
        tries = (await suite.client().get(f"/v1/webhook-deliveries/{delivery['id']}")).json()["tries"]
        assert [(one["number"], one["status"]) for one in tries] == [(3, 204), (2, 500), (1, 500)]


async def test_after_the_last_try_it_waits_for_a_replay_under_the_same_id(run_gateway: Any, clock: ManualClock) -> None:
    suite = await run_gateway(webhooks_schedule_seconds=(0, 5), webhooks_jitter=0)
    async with receiving(lambda number: answer(500 if number < 3 else 200)) as receiver:
        endpoint = await register(suite, receiver)
        await publish(suite, COUPON)
        await deliver(suite)
        clock.advance(seconds=5)
        await deliver(suite)
        (failed,) = await deliveries(suite, endpoint, status="failed")
        clock.advance(timedelta(days=1))
        await deliver(suite)
        assert len(receiver.got) == 2
        replayed = await suite.client().post(f"/v1/webhook-deliveries/{failed['id']}/replay")
        assert (replayed.status_code, replayed.json()["status"]) == (202, "pending")
        await deliver(suite)
        assert len(receiver.got) == 3
        assert len(set(receiver.ids)) == 1
        (delivery,) = await deliveries(suite, endpoint, status="delivered")
        assert (delivery["id"], delivery["attempts"]) == (failed["id"], 3)


async def test_a_killed_sender_leaves_a_lease_and_the_same_id_comes_again(suite: Suite, clock: ManualClock) -> None:
    async with receiving() as receiver:
        endpoint = await register(suite, receiver)
        dispatcher = suite.gateway.webhooks_out.worker

        async def killed(*_: Any) -> None:
            raise asyncio.CancelledError  # the request is out; the process dies before it can write that down

        real, dispatcher._record = dispatcher._record, killed  # type: ignore[assignment,method-assign]
        await publish(suite, COUPON)
        await deliver(suite)
        dispatcher._record = real  # type: ignore[method-assign]
        assert len(receiver.got) == 1
        await deliver(suite)
        assert len(receiver.got) == 1, "the lease still holds"
        busy = await suite.client().post(
            f"/v1/webhook-deliveries/{(await deliveries(suite, endpoint))[0]['id']}/replay"
        )
        assert busy.json()["code"] == "attempt_under_way"
        clock.advance(seconds=61)
        await deliver(suite)
        assert len(receiver.got) == 2
        assert len(set(receiver.ids)) == 1, "a receiver knows it by its id"
        (delivery,) = await deliveries(suite, endpoint)
        assert delivery["status"] == "delivered"


async def test_a_redirect_is_a_failure_and_a_retry_after_pauses_the_endpoint(
    run_gateway: Any, clock: ManualClock
) -> None:
    suite = await run_gateway(webhooks_jitter=0)
    replies = [answer(302, "location: http://127.0.0.1:1/\r\n"), answer(429, "retry-after: 100\r\n"), answer(200)]
    async with receiving(lambda number: replies[min(number, 3) - 1]) as receiver:
        endpoint = await register(suite, receiver)
        await publish(suite, COUPON)
        await deliver(suite)
        clock.advance(seconds=5)
        await deliver(suite)
        assert len(receiver.got) == 2
        shown = (await suite.client().get(f"/v1/webhook-endpoints/{endpoint['id']}")).json()
        assert (shown["failing_since"], shown["paused_until"]) == ("2026-11-11T02:00:00Z", "2026-11-11T02:05:05Z")
        await publish(suite, STOCK)
        clock.advance(seconds=299)
        await deliver(suite)
        assert len(receiver.got) == 2, "new events wait as well"
        clock.advance(seconds=1)
        for _ in range(2):
            await deliver(suite)
        assert len(receiver.got) == 4
        shown = (await suite.client().get(f"/v1/webhook-endpoints/{endpoint['id']}")).json()
        assert (shown["failing_since"], shown["paused_until"]) == (None, None)


async def test_410_disables_at_once_and_enabling_resumes_with_new_events_only(suite: Suite) -> None:
    async with receiving(lambda number: answer(410 if number == 1 else 200)) as receiver:
        endpoint = await register(suite, receiver)
        path = f"/v1/webhook-endpoints/{endpoint['id']}"
        await publish(suite, COUPON)
        await deliver(suite)
        shown = (await suite.client().get(path)).json()
        assert (shown["status"], shown["disabled_reason"]) == ("disabled", "gone")
        log = (await suite.client().get("/v1/audit-log", params={"object_id": endpoint["id"]})).json()["data"]
        assert (log[0]["action"], log[0]["actor_key_id"]) == ("webhook_endpoint.disable", None)
        await publish(suite, STOCK)
        (only,) = await deliveries(suite, endpoint)
        refused = await suite.client().post(f"/v1/webhook-deliveries/{only['id']}/replay")
        assert refused.json()["code"] == "endpoint_disabled"
        assert (await suite.client().patch(path, json={"enabled": True})).json()["status"] == "enabled"
        await deliver(suite)
        assert len(receiver.got) == 1
        await publish(suite, STOCK, ids=["evt_after"])
        await deliver(suite)
        assert receiver.ids[-1] == "evt_after"


async def test_days_of_nothing_but_failures_disable(run_gateway: Any, clock: ManualClock) -> None:
    suite = await run_gateway(
        webhooks_schedule_seconds=(0, 86400, 86400, 86400, 86400, 86400, 86400), webhooks_jitter=0
    )
    async with receiving(lambda number: answer(503)) as receiver:
        endpoint = await register(suite, receiver)
        await publish(suite, COUPON)
        for day in range(6):
            await deliver(suite)
            shown = (await suite.client().get(f"/v1/webhook-endpoints/{endpoint['id']}")).json()
            assert shown["status"] == ("enabled" if day < 5 else "disabled")
            clock.advance(timedelta(days=1))
        assert shown["disabled_reason"] == "failing"
        (delivery,) = await deliveries(suite, endpoint)
        assert (delivery["status"], len(receiver.got)) == ("failed", 6)


async def test_a_dead_endpoint_delays_no_other(run_gateway: Any) -> None:
    suite = await run_gateway(webhooks_in_flight=10, webhooks_per_endpoint=4, webhooks_total_seconds=5)
    hang = asyncio.Event()

    async def hangs(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await hang.wait()

    dead = RawServer(hangs)
    async with receiving() as well, dead.running():
        body = {"url": dead.url, "events": ["*"]}
        assert (await suite.client().post("/v1/webhook-endpoints", json=body)).status_code == 201
        await register(suite, well)
        await publish(suite, *[COUPON] * 50)
        for _ in range(200):
            await suite.gateway.webhooks_out.worker.tick()
            if len(well.got) == 50:
                break
            await asyncio.sleep(0.02)
        assert len(well.got) == 50
        assert dead.open <= 4
        hang.set()
        await suite.gateway.webhooks_out.worker.idle()


async def test_events_go_out_by_themselves_within_moments(suite: Suite) -> None:
    async with receiving() as receiver:
        await register(suite, receiver)
        await publish(suite, COUPON)
        async with asyncio.timeout(60):
            await receiver.first.wait()


async def test_a_test_event_goes_to_one_endpoint(suite: Suite) -> None:
    async with receiving() as receiver:
        endpoint, _ = await register(suite, receiver, "stock.low"), await register(suite, receiver)
        made = await suite.client().post(f"/v1/webhook-endpoints/{endpoint['id']}/test")
        assert (made.status_code, made.json()["event_type"]) == (202, "webhook.test")
        await deliver(suite)
        ((_, body),) = receiver.got
        assert json.loads(body)["data"] == {"endpoint_id": endpoint["id"]}


async def test_a_deleted_endpoint_gets_nothing_more(suite: Suite) -> None:
    async with receiving() as receiver:
        endpoint = await register(suite, receiver)
        path = f"/v1/webhook-endpoints/{endpoint['id']}"
        assert (await suite.client().delete(path)).status_code == 204
        await publish(suite, COUPON)
        await deliver(suite)
        assert receiver.got == []
        for call in (suite.client().get(path), suite.client().delete(path), suite.client().patch(path, json={})):
            assert (await call).status_code == 404


async def test_a_partner_neither_sees_nor_replays_anothers(suite: Suite) -> None:
    scopes = ["gateway:webhooks:*"]
    first, second = [await suite.key(kind="partner", scopes=scopes) for _ in range(2)]
    async with receiving() as receiver:
        endpoint = await register(suite, receiver, key=first)
        await publish(suite, COUPON)
        await deliver(suite)
        (delivery,) = await deliveries(suite, endpoint)
        stranger = suite.client(second)
        path = f"/v1/webhook-endpoints/{endpoint['id']}"
        assert (await stranger.get("/v1/webhook-endpoints")).json()["data"] == []
        for call in (
            stranger.get(path),
            stranger.get(path + "/deliveries"),
            stranger.post(path + "/test"),
            stranger.post(path + "/rotate-secret"),
            stranger.delete(path),
            stranger.get(f"/v1/webhook-deliveries/{delivery['id']}"),
            stranger.post(f"/v1/webhook-deliveries/{delivery['id']}/replay"),
        ):
            assert (await call).status_code == 404
        assert (await suite.client(first).get(path)).status_code == 200


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"url": "http://hooks.example/"}, "#/url"),
        ({"url": "https://127.0.0.1/"}, "#/url"),
        ({"url": "https://169.254.169.254/latest"}, "#/url"),
        ({"url": "https://[::ffff:10.0.0.1]/"}, "#/url"),
        ({"url": "https://localhost/"}, "#/url"),
        ({"url": "https://u:p@hooks.example/"}, "#/url"),
        ({"url": ""}, "#/url"),
        ({"events": []}, "#/events"),
        ({"events": ["coupon.exploded"]}, "#/events/0"),
        ({"events": ["coupon"]}, "#/events/0"),
        ({"secret": "whsec_mine"}, "#/secret"),
    ],
)
async def test_what_can_not_be_registered(run_gateway: Any, body: dict[str, Any], pointer: str) -> None:
    suite = await run_gateway(webhooks_allow_private=False)
    wanted = {"url": "https://192.0.2.1:8443/", "events": ["*"], **body}
    answered = await suite.client().post("/v1/webhook-endpoints", json=wanted)
    assert answered.status_code == 422, answered.text
    assert answered.json()["errors"][0]["pointer"] == pointer


async def test_history_is_forgotten_after_its_time(suite: Suite, clock: ManualClock) -> None:
    async with receiving() as receiver:
        endpoint = await register(suite, receiver)
        await publish(suite, COUPON)
        await deliver(suite)
        clock.advance(timedelta(days=29))
        await suite.gateway.webhooks_out.worker.prune()
        assert len(await deliveries(suite, endpoint)) == 1
        clock.advance(timedelta(days=2))
        await suite.gateway.webhooks_out.worker.prune()
        assert await deliveries(suite, endpoint) == []
        async with suite.gateway.kit.db.read() as tx:
            assert [await tx.scalars(select(one.table)) for one in (Attempt, WebhookEvent)] == [[], []]


async def test_what_was_given_up_while_it_was_sent_is_not_revived(suite: Suite, clock: ManualClock) -> None:
    asked, may_answer = asyncio.Event(), asyncio.Event()

    async def slow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        asked.set()
        await may_answer.wait()
        writer.write(answer(500))

    server = RawServer(slow)
    async with server.running():
        made = await suite.client().post("/v1/webhook-endpoints", json={"url": server.url, "events": ["*"]})
        path = f"/v1/webhook-endpoints/{made.json()['id']}"
        await publish(suite, COUPON)
        await suite.gateway.webhooks_out.worker.tick()
        await asked.wait()
        disabled = await suite.client().patch(path, json={"enabled": False})
        assert (disabled.json()["status"], disabled.json()["disabled_reason"]) == ("disabled", "by_request")
        may_answer.set()
        await suite.gateway.webhooks_out.worker.idle()
        await suite.client().patch(path, json={"enabled": True})
        clock.advance(timedelta(hours=1))
        await deliver(suite)
        (delivery,) = await deliveries(suite, made.json())
        assert (delivery["status"], server.connections) == ("failed", 1)
        tries = (await suite.client().get(f"/v1/webhook-deliveries/{delivery['id']}")).json()["tries"]
        assert [one["status"] for one in tries] == [500], "the attempt is in the log all the same"
