"""The audits of the four services: each proves the identities of its own ledger."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from shared.language import say

if TYPE_CHECKING:
    from suite.client import Client

AUDITS: Mapping[str, str] = {
    "coupons": say("coupons 优惠券", "优惠券"),
    "stock": say("stock 库存", "库存"),
    "segments": say("segments 人群", "人群"),
    "journeys": say("journeys 旅程", "旅程"),
}


async def run_audits(client: "Client") -> dict[str, list[dict[str, Any]]]:
    """Per audit its checks `{"name", "ok", "detail"}`. Raises Problem, NotRunning."""
    return {name: (await client.get(f"/v1/audit/{name}"))["checks"] for name in AUDITS}
