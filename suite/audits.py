"""The audits of the four services: each proves the identities of its own ledger."""

from collections.abc import Mapping
from typing import Any

from suite.client import Client

AUDITS: Mapping[str, str] = {
    "coupons": "coupons 优惠券",
    "stock": "stock 库存",
    "segments": "segments 人群",
    "journeys": "journeys 旅程",
}


async def run_audits(client: Client) -> dict[str, list[dict[str, Any]]]:
    """Per audit its checks `{"name", "ok", "detail"}`. Raises Problem, NotRunning."""
    return {name: (await client.get(f"/v1/audit/{name}"))["checks"] for name in AUDITS}
