"""`docs/webhooks.md`: its lines of Python and Node prove what we really send, and its numbers are ours."""

import asyncio
import base64
import json
import re
import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from api.gateway.receiverkit import COUPON, deliver, publish, receiving, register
from kit.gateway import Suite
from kit.pages import DOCS, LANGUAGES, blocks, calls, perform

from gateway.settings import GatewaySettings
from shared.clock import ManualClock

Headers = dict[str, str]
Delivery = tuple[list[str], Headers, bytes]
"""The secrets that are live, and what came."""
pages = pytest.mark.parametrize("page", [f"webhooks{language}.md" for language in LANGUAGES])
_DRIVER = """
const { secret, headers, body } = JSON.parse(require("node:fs").readFileSync(0, "utf8"));
try { console.log(JSON.stringify(received(secret, headers, Buffer.from(body, "base64")))); }
catch (error) { console.log(JSON.stringify({ refused: error.message })); }
"""


@pytest.fixture
async def delivery(run_gateway: Any, clock: ManualClock) -> Delivery:
    """A delivery as the gateway sends it, while its secret is being rotated."""
    clock.set(datetime.now(UTC))  # the lines on the page ask the machine's clock
    suite = await run_gateway()
    async with receiving() as receiver:
        endpoint = await register(suite, receiver)
        rotated = await suite.client().post(f"/v1/webhook-endpoints/{endpoint['id']}/rotate-secret")
        await publish(suite, COUPON)
        await deliver(suite)
        ((headers, body),) = receiver.got
    return [endpoint["secret"], rotated.json()["secret"]], headers, body


async def _in_python(code: str, secret: str, headers: Headers, body: bytes) -> Any:
    space: dict[str, Any] = {}
    exec(code, space)  # noqa: S102 - the page's own lines
    try:
        return space["received"](secret, headers, body)
    except ValueError as error:
        return {"refused": str(error)}


async def _in_node(code: str, secret: str, headers: Headers, body: bytes) -> Any:
    given = {"secret": secret, "headers": headers, "body": base64.b64encode(body).decode()}
    pipe = asyncio.subprocess.PIPE
    node = await asyncio.create_subprocess_exec("node", "-e", code + _DRIVER, stdin=pipe, stdout=pipe, stderr=pipe)
    out, trouble = await asyncio.wait_for(node.communicate(json.dumps(given).encode()), 60)
    assert node.returncode == 0, trouble.decode()
    return json.loads(out)


@pages
@pytest.mark.parametrize("language", ["python", "js"])
@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
async def test_the_lines_on_the_page_prove_what_we_send_and_nothing_else(
    page: str, language: str, delivery: Delivery
) -> None:
    if language == "js" and shutil.which("node") is None:
        pytest.skip("Node is not installed: the page's lines for it were not run")
    received: Callable[..., Any] = _in_python if language == "python" else _in_node
    (code,) = blocks(page, language)
    secrets, headers, body = delivery
    for secret in secrets:
        event = await received(code, secret, headers, body)
        assert (event["type"], event["data"]["customer_id"]) == ("coupon.redeemed", "客户1")
    stranger = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    unsigned = {name: value for name, value in headers.items() if not name.startswith("webhook-")}
    for forged in (
        (stranger, headers, body),
        (secrets[0], headers, body + b" "),
        (secrets[0], headers | {"webhook-id": "msg_other"}, body),
        (secrets[0], headers | {"webhook-signature": "v1,é v2,x v1"}, body),
        (secrets[0], headers | {"webhook-timestamp": str(int(headers["webhook-timestamp"]) + 1)}, body),
        (secrets[0], unsigned, body),
    ):
        assert "not signed" in (await received(code, *forged))["refused"]


@pages
@pytest.mark.parametrize("language", ["python", "js"])
@pytest.mark.parametrize("minutes", [-6, 6])
@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
async def test_the_lines_on_the_page_refuse_what_is_old_or_from_the_future(
    page: str, language: str, minutes: int, run_gateway: Any, clock: ManualClock
) -> None:
    if language == "js" and shutil.which("node") is None:
        pytest.skip("Node is not installed: the page's lines for it were not run")
    clock.set(datetime.now(UTC) + timedelta(minutes=minutes))
    suite = await run_gateway()
    async with receiving() as receiver:
        endpoint = await register(suite, receiver)
        await publish(suite, COUPON)
        await deliver(suite)
        ((headers, body),) = receiver.got
    received = _in_python if language == "python" else _in_node
    (code,) = blocks(page, language)
    assert "too old" in (await received(code, endpoint["secret"], headers, body))["refused"]


def test_both_languages_show_the_same_code_and_calls() -> None:
    english, chinese = (f"webhooks{language}.md" for language in LANGUAGES)
    for kind in ("python", "js", "json", "calls"):
        assert blocks(english, kind) == blocks(chinese, kind) != []


async def test_the_calls_of_the_page_do_what_it_says(suite: Suite) -> None:
    async with receiving() as receiver:
        endpoint, (event_id,) = await register(suite, receiver), await publish(suite, COUPON)
        await deliver(suite)
        ids = {"endpoint_id": endpoint["id"]}
        for call in calls("webhooks.md"):
            answer = await perform(suite.client(), call.replace("https://partner.example", receiver.server.url), **ids)
            if call.endswith("/deliveries"):
                ids["delivery_id"] = answer.json()["data"][-1]["id"]
            await deliver(suite)
        delivered = await suite.client().get(f"/v1/webhook-deliveries/{ids['delivery_id']}")
        assert (delivered.json()["event_id"], delivered.json()["status"]) == (event_id, "delivered")


@pages
def test_the_numbers_of_the_page_are_the_defaults(page: str) -> None:
    text = (DOCS / page).read_text()
    units = {"second": 1, "minute": 60, "hour": 3600, "秒": 1, "分钟": 60, "小时": 3600}
    (said,) = [line for line in text.splitlines() if line.startswith(("The first attempt is made", "第一次立即投递"))]
    listed = said.partition("约三天" if "zh" in page else ": ten")[0]
    waits = [int(many) * units[unit] for many, unit in re.findall(r"(\d+) (second|minute|hour|秒|分钟|小时)", listed)]
    settings = {name: field.default for name, field in GatewaySettings.model_fields.items()}
    assert (0, *waits) == settings["webhooks_out_schedule_seconds"]
    for name, written in (
        ("total_seconds", r"15 (seconds in all|秒)"),
        ("connect_seconds", r"5 (of them for the connection|秒；|秒。)"),
        ("disable_days", r"5 (days|天)"),
        ("keep_days", r"30 (days|天)"),
        ("per_endpoint", r"8 (at once|个)"),
    ):
        assert re.search(written, text), name
        assert settings[f"webhooks_out_{name}"] == int(re.match(r"\d+", written)[0])  # type: ignore[index]
    assert (settings["webhooks_out_jitter"], settings["webhooks_out_held_most"]) == (0.2, 100_000)
    assert ("20 %" in text, "100,000" in text) == (True, True)
