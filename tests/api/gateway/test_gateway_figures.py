"""Figures of the gateway: webhooks that are late, endpoints that fail, keys found in memory, and labels that stay few."""

import re
from typing import Any

import pytest
from api.gateway.receiverkit import COUPON, answer, deliver, publish, receiving, register
from kit.gateway import Suite

from shared.clock import ManualClock


async def shown(suite: Suite, name: str) -> dict[str, float]:
    """The values of a metric by its labels, taken anew."""
    suite.gateway.figures._taken._asked_at = suite.gateway.admin.state.metrics._asked_at = -1000.0
    text = (await suite.client(None).get("/metrics")).text
    return {labels: float(value) for labels, value in re.findall(rf"^{name}{{(.*?)}} (\S+)$", text, re.MULTILINE)}


async def test_webhooks_that_are_late_and_endpoints_that_fail_are_told(run_gateway: Any, clock: ManualClock) -> None:
    schedule = {"webhooks_out_schedule_seconds": (0, 300), "webhooks_out_jitter": 0}
    suite = await run_gateway(**schedule)
    suite.gateway.loops.clear()
    gateway, failing = 'service="gateway"', True
    async with receiving(lambda _: answer(500 if failing else 200)) as receiver:
        await register(suite, receiver)
        assert await shown(suite, "quanyu_webhook_endpoints") == {
            'state="well"': 1,
            'state="failing"': 0,
            'state="disabled"': 0,
        }
        assert (await shown(suite, "quanyu_webhooks_out_overdue_seconds"))[gateway] == 0
        await publish(suite, COUPON)
        await deliver(suite)
        clock.advance(seconds=400)  # nobody sends: the second try is a hundred seconds late
        assert (await shown(suite, "quanyu_webhooks_out_overdue_seconds"))[gateway] == 100
        assert (await shown(suite, "quanyu_webhooks_out_oldest_seconds"))[gateway] == 400
        assert (await shown(suite, "quanyu_webhook_endpoints"))['state="failing"'] == 1
        failing = False
        await deliver(suite)
        assert (await shown(suite, "quanyu_webhooks_out_oldest_seconds"))[gateway] == 0
        assert (await shown(suite, "quanyu_webhook_endpoints"))['state="failing"'] == 0


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
async def test_a_known_key_costs_no_look_and_an_unknown_one_is_a_miss(suite: Suite) -> None:
    await suite.client().get("/v1/things/1")
    before = await shown(suite, "quanyu_gateway_key_lookups_total")
    for _ in range(5):
        assert (await suite.client().get("/v1/things/1")).status_code == 200
    after = await shown(suite, "quanyu_gateway_key_lookups_total")
    assert after['result="hit"'] - before['result="hit"'] == 5
    assert after['result="miss"'] == before['result="miss"']
    await suite.client("qy_live_sk_" + "x" * 49).get("/v1/things/1")
    assert (await shown(suite, "quanyu_gateway_key_lookups_total"))['result="hit"'] == after['result="hit"']


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
async def test_invented_paths_methods_and_keys_make_no_series(suite: Suite) -> None:
    """Gateways that label by path or caller were killed by their own metrics."""

    async def series() -> int:
        suite.gateway.admin.state.metrics._asked_at = -1000.0
        return len((await suite.client(None).get("/metrics")).text.splitlines())

    async def wild(number: int) -> None:
        await suite.client().get(f"/v1/invented-{number}/x")
        await suite.client(f"qy_live_sk_{number:049d}").get(f"/v1/things/{number}")
        await suite.client(None).request(f"ODD{number}", "/v1/things")

    await wild(0)
    before = await series()
    for number in range(1, 40):
        await wild(number)
    assert await series() == before
