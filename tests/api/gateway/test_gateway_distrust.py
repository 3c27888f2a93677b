"""A gateway and a service that don't share their secret say so, to operators and callers, and let nobody through."""

from typing import Any

import pytest
from conftest import RunService
from kit.serving import serving
from pydantic import SecretStr

from gateway.forwarding.upstreams import http_upstreams
from gateway.settings import GatewaySettings
from services.coupon.app import create_service
from services.coupon.settings import CouponSettings
from shared.clock import ManualClock

pytestmark = pytest.mark.parametrize("backend", ["sqlite"], indirect=True)  # no database takes part


async def test_a_service_with_another_secret_is_named_with_the_remedy(
    run_gateway: Any, run_service: RunService, clock: ManualClock, tmp_path: Any
) -> None:
    service = await run_service(create_service, CouponSettings)
    async with serving(service.service.app) as url:
        own = GatewaySettings(coupon_url=url, internal_secret=SecretStr("another-secret-of-mine"))
        suite = await run_gateway(http_upstreams(own, clock))
        ready = await suite.client(None).get("/readyz")
        assert (ready.status_code, ready.json()["status"]) == (200, "degraded"), "its own work it can do"
        (reason,) = ready.json()["checks"]
        assert reason.startswith("coupon: does not believe the gateway's signature")
        assert "QUANYU_INTERNAL_SECRET" in reason
        refused = await suite.client().get("/v1/coupon-templates")
        assert (refused.status_code, refused.json()["code"]) == (502, "upstream_distrusts_gateway")
        assert "QUANYU_INTERNAL_SECRET" in refused.json()["detail"]
        assert "www-authenticate" not in refused.headers, "the caller's key is well"


async def test_parts_of_one_data_folder_need_no_secret_to_be_set(
    run_gateway: Any, run_service: RunService, clock: ManualClock, tmp_path: Any
) -> None:
    service = await run_service(create_service, CouponSettings, internal_secret=None)
    async with serving(service.service.app) as url:
        own = GatewaySettings(coupon_url=url, data_dir=service.service.kit.settings.data_dir)
        suite = await run_gateway(http_upstreams(own, clock))
        assert (await suite.client(None).get("/readyz")).status_code == 200
        assert (await suite.client().get("/v1/coupon-templates")).status_code == 200
