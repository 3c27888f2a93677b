"""Message templates, the inbox, webhooks, the ledger of messages."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from kit.journeys import JourneyShop
from sqlalchemy import update
from standardwebhooks import Webhook

from services.journey.actions.models import EffectRow
from services.journey.actions.worker import WebhookWorker


@pytest.mark.parametrize(
    ("source", "part"),
    [
        ("\n{{ customer.name", "line 2: expected '}}'"),
        ("{% if %}", "missing expression"),
        ("{{ 'a' | no_such_filter }}", "no_such_filter"),
        ("{% nosuchtag %}", "nosuchtag"),
        ("{% include 'other' %}", "other"),
        ("{% for i in (1..100000) %}x{% endfor %}", "loop"),
    ],
)
async def test_bad_liquid_is_refused_at_save(shop: JourneyShop, source: str, part: str) -> None:
    answer = await shop.api.post("/v1/message-templates", json={"name": "t", "channel": "inbox", "body": source})
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (422, "invalid_template"), answer.text
    assert answer.json()["errors"][0]["pointer"] == "#/body"
    assert part in answer.json()["detail"]


async def test_templates_are_kept_listed_and_previewed(shop: JourneyShop) -> None:
    body = "{{customer.name | default: '您'}}好 {% for item in event.items %}{{ item.name }} {% endfor %}"
    template = await shop.template(body, subject="{{coupon.code}}", locale="zh-CN")
    await shop.identify("c1", name="小明", city="上海")
    preview = await shop.api.post(
        f"/v1/message-templates/{template}/preview",
        json={"customer_id": "c1", "event": {"items": [{"name": "鞋"}]}, "coupon": {"code": "K1"}},
    )
    assert preview.json() == {"channel": "inbox", "subject": "K1", "body": "小明好 鞋 "}
    nobody = await shop.api.post(f"/v1/message-templates/{template}/preview", json={})
    assert nobody.json()["body"] == "您好 "
    listed = await shop.api.get("/v1/message-templates", params={"channel": "inbox"})
    assert [one["id"] for one in listed.json()["data"]] == [template]
    assert (await shop.api.get(f"/v1/message-templates/{template}")).json()["body"] == body
    assert (await shop.api.get("/v1/message-templates/msg_none")).json()["code"] == "not_found"


async def test_a_preview_that_fails_says_so(shop: JourneyShop) -> None:
    template = await shop.template("{{ event.a | divided_by: event.b }}")
    failed = await shop.api.post(f"/v1/message-templates/{template}/preview", json={"event": {"a": 1, "b": 0}})
    assert (failed.status_code, failed.json()["errors"][0]["code"]) == (422, "template_failed")
    greedy = await shop.template(
        "{% for a in event.rows %}{% for b in event.rows %}{{ a }}{{ b }}{% endfor %}{% endfor %}"
    )
    failed = await shop.api.post(f"/v1/message-templates/{greedy}/preview", json={"event": {"rows": ["x" * 50] * 100}})
    assert (failed.status_code, failed.json()["errors"][0]["code"]) == (422, "template_failed")


async def test_traits_follow_identify_events(shop: JourneyShop) -> None:
    template = await shop.template("{{customer.id}} {{customer.name}} {{customer.city}}")

    async def seen() -> str:
        answer = await shop.api.post(f"/v1/message-templates/{template}/preview", json={"customer_id": "c1"})
        return str(answer.json()["body"])

    start = shop.clock.now()
    await shop.identify("c1", name="小明", city="上海", id="forged")
    await shop.pass_time(minutes=1)
    await shop.identify("c1", name=None, city="北京")
    assert await seen() == "c1  北京"
    await shop.track("A", at=start, traits={"name": "旧", "city": "旧"})
    assert await seen() == "c1 旧 北京", "what is older only fills gaps"


def sends(template: str, channel: str, **more: Any) -> dict[str, Any]:
    node = {"kind": "send", "channel": channel, "template_id": template, **more}
    entry = {"kind": "event", "event": "A", "reentry": {"mode": "always"}}
    return {"name": "sends", "entry": entry, "nodes": {"m": node}, "edges": [["entry", "m"]]}


async def test_the_secret_of_a_webhook_is_shown_once(shop: JourneyShop) -> None:
    body = {"name": "t", "channel": "webhook", "body": "x"}
    made = await shop.api.post("/v1/message-templates", json=body, headers={"Idempotency-Key": "t1"})
    assert made.json()["secret"].startswith("whsec_")
    assert made.headers["cache-control"] == "no-store"
    again = await shop.api.post("/v1/message-templates", json=body, headers={"Idempotency-Key": "t1"})
    assert "whsec_" not in again.text
    assert "secret" not in (await shop.api.get(f"/v1/message-templates/{made.json()['id']}")).json()


async def test_the_inbox_of_a_customer(shop: JourneyShop) -> None:
    template = await shop.template("{{event.n}}")
    await shop.publish_journey(sends(template, "inbox"))
    for number in range(3):
        await shop.track("A", n=number)
    app = shop.running.client(scopes=("journey:inbox:read", "journey:inbox:write"), customer_id="c1")
    found = (await app.get("/v1/customers/c1/inbox")).json()["data"]
    assert [one["body"] for one in found] == ["2", "1", "0"]
    path = f"/v1/customers/c1/inbox/{found[0]['id']}/read"
    first = (await app.post(path)).json()
    await shop.pass_time(seconds=5)
    assert (await app.post(path)).json() == first
    assert first["read_at"] is not None
    unread = (await app.get("/v1/customers/c1/inbox", params={"unread": True})).json()["data"]
    assert [one["body"] for one in unread] == ["1", "0"]
    assert (await app.get("/v1/customers/c2/inbox")).status_code == 404
    assert (await shop.api.post(path.replace("c1", "c2"))).json()["code"] == "not_found"


@dataclass
class Endpoint:
    """A partner's endpoint that answers as it is told."""

    url: str = ""
    answers: list[int] = field(default_factory=list)
    retry_after: int | None = None
    got: list[tuple[dict[str, str], bytes]] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in head[1:] if line)}
        self.got.append((headers, await reader.readexactly(int(headers["content-length"]))))
        status = self.answers.pop(0) if self.answers else 200
        asked = "" if self.retry_after is None else f"retry-after: {self.retry_after}\r\n"
        writer.write(f"HTTP/1.1 {status} X\r\ncontent-length: 0\r\n{asked}connection: close\r\n\r\n".encode())
        await writer.drain()
        writer.close()


@asynccontextmanager
async def endpoint(*answers: int) -> AsyncIterator[Endpoint]:
    found = Endpoint(answers=list(answers))
    server = await asyncio.start_server(found.serve, "127.0.0.1", 0)
    found.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/hook"
    async with server:
        yield found


async def webhook_template(shop: JourneyShop, url: str | None) -> tuple[str, str]:
    body = {"name": "t", "channel": "webhook", "body": "{{event.n}}", **({"url": url} if url else {})}
    answer = await shop.api.post("/v1/message-templates", json=body)
    assert answer.status_code == 201, answer.text
    return answer.json()["id"], answer.json()["secret"]


async def ledger(shop: JourneyShop) -> dict[str, Any]:
    found = (await shop.api.get("/v1/messages", params={"customer_id": "c1"})).json()["data"]
    assert len(found) == 1
    return dict(found[0])


async def test_a_webhook_message_is_signed_and_retried_under_one_id(start_shop: Any) -> None:
    shop = await start_shop(webhooks_allow_private=True)
    async with endpoint(500, 503) as partner:
        template, secret = await webhook_template(shop, partner.url)
        assert "secret" not in (await shop.api.get(f"/v1/message-templates/{template}")).json()
        await shop.publish_journey(sends(template, "webhook"))
        await shop.track("A", n=7)
        await shop.rest()
        await shop.pass_time(seconds=3)
        await shop.pass_time(seconds=10)
        sent = await ledger(shop)
        assert (sent["status"], sent["attempts"]) == ("sent", 3)
        assert {headers["webhook-id"] for headers, _ in partner.got} == {sent["id"]}
        assert len({body for _, body in partner.got}) == 1
        headers, body = partner.got[-1]
        now = shop.clock.now()
        assert abs(int(headers["webhook-timestamp"]) - now.timestamp()) < 60
        verified = Webhook(secret)
        verified._Webhook__verify_timestamp = lambda stamp: now  # type: ignore[attr-defined] # the test's clock
        data = json.loads(body)
        assert (data["type"], data["data"]["body"], data["data"]["message_id"]) == ("journey.message", "7", sent["id"])
        assert Webhook(secret).sign(sent["id"], now, body.decode()) == headers["webhook-signature"]
        await shop.running.drain()
        assert [one["channel"] for one in shop.asked("message.sent")] == ["webhook"]
    await shop.sound()


async def test_a_webhook_waits_as_long_as_its_endpoint_asks(start_shop: Any) -> None:
    shop = await start_shop(webhooks_allow_private=True)
    async with endpoint(429) as partner:
        partner.retry_after = 600
        template, _ = await webhook_template(shop, partner.url)
        await shop.publish_journey(sends(template, "webhook"))
        await shop.track("A")
        await shop.rest()
        await shop.pass_time(seconds=590)
        assert len(partner.got) == 1
        await shop.pass_time(seconds=20)
        assert (await ledger(shop))["status"] == "sent"


@pytest.mark.parametrize(("answers", "tries", "reason"), [([500] * 9, 3, "answered 500"), ([410], 1, "410 Gone")])
async def test_a_webhook_that_is_never_accepted_fails(
    start_shop: Any, answers: list[int], tries: int, reason: str
) -> None:
    shop = await start_shop(webhooks_allow_private=True, webhook_attempts=3)
    async with endpoint(*answers) as partner:
        template, _ = await webhook_template(shop, None)
        await shop.publish_journey(sends(template, "webhook", url=partner.url))
        await shop.track("A")
        for _ in range(6):
            await shop.pass_time(minutes=2)
        assert len(partner.got) == tries
    failed = await ledger(shop)
    assert (failed["status"], reason in failed["reason"]) == ("failed", True)
    assert len(shop.asked("message.failed")) == 1
    await shop.sound()


async def test_private_addresses_are_refused_by_default(shop: JourneyShop) -> None:
    for url in ("http://127.0.0.1/x", "https://169.254.169.254/latest", "ftp://example.com", "https://u:p@example.com"):
        body = {"name": "t", "channel": "webhook", "body": "x", "url": url}
        answer = await shop.api.post("/v1/message-templates", json=body)
        assert (answer.status_code, answer.json()["errors"][0]["code"]) == (422, "url_refused"), url


async def test_a_claim_of_a_lost_worker_is_posted_again_or_ends_unknown(start_shop: Any) -> None:
    shop = await start_shop(webhooks_allow_private=True, webhook_attempts=2)
    loop: Any = next(loop for loop in shop.running.service.loops if loop.name == "send webhook messages")
    for task in asyncio.all_tasks():
        if task.get_name() == "journey send webhook messages":
            task.cancel()
    worker: WebhookWorker = loop.tick.__self__
    async with endpoint() as partner:
        template, _ = await webhook_template(shop, partner.url)
        await shop.publish_journey(sends(template, "webhook"))
        await shop.track("A")
        for _ in range(2):
            assert len(await worker._claim()) == 1  # and the worker is gone
            assert await worker._claim() == []
            shop.clock.advance(seconds=60)
        await worker.tick()
        assert partner.got == []
    assert (await ledger(shop))["status"] == "unknown"
    await shop.sound()


async def test_a_run_that_exited_before_the_post_suppresses_it(start_shop: Any) -> None:
    shop = await start_shop(webhooks_allow_private=True)
    for task in asyncio.all_tasks():
        if task.get_name() == "journey send webhook messages":
            task.cancel()
    async with endpoint() as partner:
        template, _ = await webhook_template(shop, partner.url)
        definition = sends(template, "webhook")
        definition["nodes"]["w"] = {"kind": "wait", "for": "1h"}
        definition["edges"].append(["m", "w"])
        await shop.publish_journey({**definition, "exit_on": [{"event": "Order Completed"}]})
        await shop.track("A")
        await shop.track("Order Completed")
        await shop.rest()
        assert partner.got == []
    gone = await ledger(shop)
    assert (gone["status"], gone["reason"]) == ("suppressed", "run_exited: exit_event")
    await shop.sound()


async def test_messages_are_planned_once_per_visit(shop: JourneyShop) -> None:
    """The ledger's unique key holds whatever is repeated above it."""
    template = await shop.template("x")
    drawn = await shop.publish_journey(sends(template, "inbox"))
    await shop.track("A")
    run = await shop.run(drawn)
    async with shop.running.service.kit.db.read() as tx:
        rows = (await tx.execute(EffectRow.table.select())).all()
    assert [row.idem_key for row in rows] == [f"{run['id']}:m:1"]


async def test_the_worker_of_webhooks_leaves_messages_of_other_channels(start_shop: Any) -> None:
    shop = await start_shop()
    await shop.publish_journey(sends(await shop.template(), "inbox"))
    await shop.track("A")
    async with shop.running.service.kit.db.write() as tx:
        await tx.run(update(EffectRow.table).values(status="planned", due_at=shop.clock.now()))
    await shop.rest()
    assert (await ledger(shop))["status"] == "planned"
