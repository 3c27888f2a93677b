"""No phone, e-mail, openid or key of anybody's comes out where it does not belong: in logs, refusals, parked errors, reports."""

import asyncio
import json
import re
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from scenarios.arrangements import RunningSuite, arrange

from shared.clock import SystemClock
from shared.db import Database
from shared.ids import new_id
from shared.messaging import LocalBus, Pack
from shared.webhooks import signed_headers
from suite.client import Client, Problem
from suite.errors import Stop

pytestmark = pytest.mark.slow
PHONE, ABROAD, MAIL = "13912345678", "+447911123456", "canary.person@example.com"
OPENID = "oK7xQ2mZp9Rr4TtLw8YyVbNcDfGh"
KEY, SECRET = "qy_live_sk_" + "CanaryCanary7" * 3, "whsec_Q2FuYXJ5Q2FuYXJ5Q2FuYXJ5Q2FuYXJ5"
CANARIES = [PHONE, "139 1234 5678", ABROAD, MAIL, OPENID, KEY, SECRET]
SAID = " and ".join(CANARIES)
SEEN = re.compile(
    "|".join(
        re.escape(one) for one in (PHONE, "1234 5678", "7911123456", "canary.person", OPENID, "CanaryCanary", SECRET)
    )
)
BODIES: list[Any] = [
    SAID,
    [SAID],
    dict.fromkeys(
        ("name", "customer_id", "userId", "order_id", "code", "token", "url", "kind", "traits", "lines", "event"), SAID
    ),
    {
        name: {"phone": PHONE, "openid": OPENID, "text": SAID}
        for name in ("customer_id", "userId", "order_id", "properties", "batch")
    },
    {
        "batch": [{"type": SAID, "userId": {"phone": PHONE}, "timestamp": SAID}],
        "orders": [{"order_id": [SAID], "amount": SAID}],
    },
    {"userId": "u1", "event": "e", "timestamp": SAID, "anonymousId": [OPENID], "traits": SAID},
    {"customer_id": "c\x00" + SAID, "lines": [{"sku": SAID, "quantity": SAID}]},
]


def calls(document: dict[str, Any]) -> Iterator[tuple[str, str, Any]]:
    for path, operations in document["paths"].items():
        filled = re.sub(r"\{[^}]+\}", OPENID, path)
        for method in operations:
            if method in ("post", "put", "patch"):
                yield from ((method.upper(), filled, body) for body in BODIES)
            elif method == "get":
                yield "GET", f"{filled}?limit={PHONE}&after={OPENID}&customer_id={OPENID}&from={PHONE}", None


async def refusals(client: Client) -> list[str]:
    """What every operation answers to bad input, as problem documents."""
    found, limit = [], asyncio.Semaphore(8)

    async def one(method: str, path: str, body: Any) -> None:
        async with limit:
            try:
                await client.call(method, path, body)
            except Problem as problem:
                found.append(json.dumps(problem.document, ensure_ascii=False))
            except Stop:
                pass  # an answer that is no JSON, or none: nothing was told

    await asyncio.gather(*(one(*call) for call in calls(await client.get("/openapi.json"))))
    return found


async def quanyu(suite: RunningSuite, *arguments: str) -> str:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "suite", *arguments,
        env={**suite.environment, "QUANYU_URL": suite.url, "COLUMNS": "400"}, cwd=suite.data_dir.parent,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    return (await process.communicate())[0].decode()


async def park(suite: RunningSuite) -> None:
    """Messages that no handler can take, on the bus of the running suite."""
    bus = LocalBus(Database(f"sqlite:///{suite.data_dir / 'bus.db'}", schema="bus"), SystemClock())
    await bus.start()
    try:
        packs = []
        for name, payload in (
            ("order.paid", {"order_id": {"phone": PHONE, "openid": OPENID}}),
            ("order.refunded", {"order_id": "o1", "refund_id": [SAID], "lines": [{OPENID: PHONE}]}),
            ("segment.entered", {"customer_id": {"text": SAID}, "segment_id": [MAIL]}),
        ):
            message = new_id("evt")
            envelope = {
                "id": message,
                "name": name,
                "version": 1,
                "occurred_at": datetime.now(UTC).isoformat(),
                "payload": payload,
            }
            packs.append(Pack(message, name, json.dumps([envelope]).encode()))
        packs.append(Pack(new_id("evt"), "order.paid", json.dumps([{"phone": PHONE, "text": SAID}]).encode()))
        await bus.publish(packs)
    finally:
        await bus.stop()


async def hooks(client: Client) -> list[str]:
    """Deliveries that are not proven, that nothing maps, and that map to nonsense."""
    body = {"name": "orders", "scheme": "standard", "maps_to": {"event": "order.*"}}
    source = await client.post("/v1/webhook-sources", body)
    told = []
    for sent in ({"type": "order.paid", "data": {"order_id": {"phone": PHONE}}}, {"type": SAID}, [SAID]):
        raw = json.dumps(sent, ensure_ascii=False).encode()
        for secrets in ([source["secret"]], [SECRET]):
            try:
                await client.post(
                    f"/v1/hooks/{source['id']}", sent, signed_headers(secrets, new_id("msg"), datetime.now(UTC), raw)
                )
            except Stop as refused:
                told.append(f"{refused} {getattr(refused, 'document', '')}")
    return told


async def test_canaries(tmp_path: Path) -> None:
    settings = {"QUANYU_ACCESS_LOG": "true", "QUANYU_BUS_RETRY_SECONDS": "[0.1]", "QUANYU_LOG_LEVEL": "debug"}
    async with arrange("embedded", tmp_path, None, **settings) as suite, suite.client() as client:
        told = await refusals(client)
        assert len(told) > 500
        told += await hooks(client)
        await park(suite)
        async with asyncio.timeout(30):
            while (parked := await quanyu(suite, "parked", "list")).count("evt_") < 4:  # noqa: ASYNC110 - another process
                await asyncio.sleep(0.5)
        orders = tmp_path / "orders.csv"
        header = "订单编号,会员号,下单时间,商品编码,商品名称,数量,单价"
        rows = [
            f"T1,{PHONE},{SAID},p,n,1,10",
            f"T2,{OPENID},2026-01-02 10:00:00,p,n,{PHONE},{MAIL}",
            f"T3,{MAIL},2026-02-30,p,n,1,1",
        ]
        orders.write_text("\n".join([header, *rows]) + "\n")
        report = await quanyu(suite, "import", "orders", str(orders))
        async with Client(suite.url, KEY) as stranger:
            with pytest.raises(Stop) as refused:
                await stranger.get(f"/v1/coupons?customer_id={OPENID}")
            told.append(str(refused.value))
    log = suite.log.read_text()
    assert "ValidationError" in parked
    assert log.count("\n") > 500
    places = {"log": log.splitlines(), "problems": told, "parked": parked.splitlines(), "import": report.splitlines()}
    for place, lines in places.items():
        assert [line[:600] for line in lines if SEEN.search(line)][:5] == [], place
