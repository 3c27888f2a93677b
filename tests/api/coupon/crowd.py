"""A process of its own: one instance of the coupon service in which a crowd claims. Started by test_coupon_crowds.

Argument: JSON with `data_dir`, `database_url`, `templates` (id → customer ids), `then` ("leave" or "stay"). Prints one line
of JSON, template id → answers by code ("granted" for a coupon), and leaves; or stays with its leases until it is killed.
"""

import asyncio
import json
import sys
import tempfile
from collections import Counter
from typing import Any

from api.coupon.mall import Mall
from kit.services import INTERNAL_SECRET, Recorder, RunningService
from pydantic import SecretStr

from services.coupon.app import create_service
from services.coupon.settings import CouponSettings
from shared.clock import SystemClock
from shared.db import Database
from shared.messaging import LocalBus

_AT_ONCE = 40


async def claim_all(mall: Mall, templates: dict[str, list[str]]) -> dict[str, Counter[str]]:
    found: dict[str, Counter[str]] = {template_id: Counter() for template_id in templates}
    wishes = iter([(key, one) for pair in zip(*_columns(templates), strict=True) for key, one in pair])

    async def shopper() -> None:
        for template_id, customer_id in wishes:
            answer = await mall.try_claim(template_id, customer_id)
            found[template_id]["granted" if answer.status_code == 201 else answer.json()["code"]] += 1

    await asyncio.gather(*[shopper() for _ in range(_AT_ONCE)])
    return found


def _columns(templates: dict[str, list[str]]) -> list[list[tuple[str, str]]]:
    return [[(key, one) for one in customers] for key, customers in templates.items()]


async def main(order: dict[str, Any]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        bus = LocalBus(Database(f"sqlite:///{folder}/bus.db", schema="bus"), SystemClock())
        await bus.start()
        settings = CouponSettings(
            data_dir=order["data_dir"],
            database_url=order["database_url"],
            internal_secret=SecretStr(INTERNAL_SECRET),
            lease_seconds=3600,
            migrate_on_start=False,
        )
        service = create_service(settings, bus, SystemClock())
        async with service.running():
            running = RunningService(service, bus, SystemClock(), Recorder())
            mall = Mall(running)
            print("ready", flush=True)
            await asyncio.to_thread(sys.stdin.readline)
            print(json.dumps(await claim_all(mall, order["templates"])), flush=True)
            if order["then"] == "stay":
                await asyncio.Event().wait()
            await running.close()
        await bus.stop()


if __name__ == "__main__":
    asyncio.run(main(json.loads(sys.argv[1])))
