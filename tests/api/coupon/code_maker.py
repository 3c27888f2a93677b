"""A process of its own that makes codes until it is killed: `python -m api.coupon.code_maker DATA_DIR [DATABASE_URL]`."""

import asyncio
import sys
from pathlib import Path

from kit.services import INTERNAL_SECRET
from pydantic import SecretStr

from services.coupon.app import create_service
from services.coupon.settings import CouponSettings
from shared.clock import SystemClock
from shared.db import Database
from shared.messaging import LocalBus


async def make(data_dir: Path, url: str | None) -> None:
    clock = SystemClock()
    bus = LocalBus(Database(f"sqlite:///{data_dir}/maker-bus.db", schema="bus"), clock)
    await bus.start()
    settings = CouponSettings(
        data_dir=data_dir, database_url=url, internal_secret=SecretStr(INTERNAL_SECRET), code_chunk_size=100
    )
    async with create_service(settings, bus, clock).running():
        await asyncio.sleep(3600)


if __name__ == "__main__":
    asyncio.run(make(Path(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else None))
