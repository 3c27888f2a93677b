"""Stock in a real suite whose process is killed again and again: every step is made once, however often it is repeated."""

import asyncio

import pytest
from scenarios.arrangements import RunningSuite
from scenarios.conftest import StartSuite

from suite.processes import WHOLE

pytestmark = pytest.mark.slow

ORDERS = 24
STOCK = 1_000


async def life(suite: RunningSuite, number: int) -> None:
    """Six units: one is cancelled, four of five are paid, one is shipped; or all are released and reserved anew."""
    order = {"order_id": f"o{number}", "channel": "app", "lines": [{"sku": "a", "quantity": 6}]}
    async with suite.client(stubborn=True) as client:

        async def step(reservation_id: str, verb: str, units: int | None, **more: str) -> None:
            lines = {} if units is None else {"lines": [{"sku": "a", "quantity": units}]}
            await client.call("POST", f"/v1/reservations/{reservation_id}/{verb}", lines | more)

        first = (await client.call("POST", "/v1/reservations", order))["id"]
        if number % 2:
            await step(first, "release", None)
            anew = await client.call("POST", "/v1/reservations", order)
            assert (anew["status"], anew["id"] == first) == ("held", False)
            return
        for _ in range(2):
            await step(first, "release", 1, reference="cancelled")
        for _ in range(2):
            await step(first, "confirm", 4)
        for _ in range(2):
            await step(first, "ship", 1, reference="parcel")


async def test_steps_in_parts_are_made_once_whatever_is_killed(start_suite: StartSuite) -> None:
    async with start_suite("embedded") as suite:
        async with suite.client() as client:
            await client.call("POST", "/v1/locations", {"id": "w1", "name": "w1", "kind": "warehouse"})
            line = {"sku": "a", "location_id": "w1", "change": STOCK}
            await client.call("POST", "/v1/stock/adjustments", {"lines": [line], "reason": "received"})
        lives = asyncio.gather(*(life(suite, number) for number in range(ORDERS)))
        for _ in range(2):
            await asyncio.sleep(0.05)
            await suite.kill_and_restart(WHOLE)
            await suite.processes.ready([WHOLE])
        await lives
        async with suite.client(stubborn=True) as client:
            (level,) = (await client.call("GET", "/v1/stock?sku=a"))["data"]
            audit = await client.call("GET", "/v1/audit/stock")
        half = ORDERS // 2
        assert (level["held"], level["committed"], level["on_hand"]) == (6 * half, 3 * half, STOCK - half)
        assert audit["ok"], [check for check in audit["checks"] if not check["ok"]]
