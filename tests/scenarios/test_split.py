"""Two processes on files, and either of them killed: what was accepted has its effect, once."""

import asyncio

import pytest
from scenarios.arrangements import SPLIT, WORKER
from scenarios.conftest import StartSuite

from suite.client import Client
from suite.processes import WHOLE

pytestmark = pytest.mark.slow
BATCHES, EACH = 6, 20


@pytest.mark.parametrize("kind", [SPLIT])
async def test_newcomers_get_their_pack_once_whoever_is_killed(start_suite: StartSuite, kind: str) -> None:
    """Each new profile is a message of the segments part, heard by the coupon part: both ends are the worker's."""
    async with start_suite(kind) as suite, suite.client(stubborn=True) as client:
        template_id = await _pack_for_newcomers(client)
        for batch in range(BATCHES):
            await _arrive(client, batch)
            if batch == 1:
                await suite.kill_and_restart(WHOLE)
                await client.until_ready(60)
            if batch == 3:  # last, so that nobody but its successor can do what is left
                await suite.kill_and_restart(WORKER)
        expected = BATCHES * EACH
        for _ in range(600):
            issued = (await client.get(f"/v1/coupon-templates/{template_id}"))["issued"]
            if issued >= expected:
                break
            await asyncio.sleep(0.1)
        await client.until_ready(60)  # the second process too
        await asyncio.sleep(1)  # in which something could be given twice
        assert (await client.get(f"/v1/coupon-templates/{template_id}"))["issued"] == expected
        for part in ("coupons", "segments"):
            assert (await client.get(f"/v1/audit/{part}"))["ok"]


async def _pack_for_newcomers(client: Client) -> str:
    template = {"name": "券", "benefit": {"kind": "amount_off", "amount": 500}}
    template_id: str = (await client.post("/v1/coupon-templates", template))["id"]
    items = [{"template_id": template_id, "quantity": 1}]
    await client.post("/v1/coupon-packs", {"name": "新人礼包", "items": items, "auto_on": "profile_created"})
    return template_id


async def _arrive(client: Client, batch: int) -> None:
    people = [f"n{batch}-{number}" for number in range(EACH)]
    await client.post("/v1/batch", {"batch": [{"type": "identify", "messageId": one, "userId": one} for one in people]})
