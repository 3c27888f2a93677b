"""Attack 22: a forged forwarded-for changes no bucket, and a proxy that is not trusted is noticed."""

import pytest
from kit.gateway import Suite
from structlog.testing import capture_logs

pytestmark = pytest.mark.parametrize("backend", ["sqlite"], indirect=True)

HOME = "203.0.113.9"


async def test_attack_22_a_forged_address_changes_no_bucket(door: Suite) -> None:
    door.gateway.limits.rates.charge_anonymous(HOME, 24_000)
    stranger = door.client(None, HOME)
    for number, name in enumerate(("x-forwarded-for", "x-real-ip", "forwarded", "x_forwarded_for", "client-ip")):
        answer = await stranger.get("/readyz", headers={name: f"192.0.2.{number}"})
        assert answer.status_code == 429, name


async def test_attack_22_a_proxy_that_is_not_trusted_is_named_in_the_log_once_a_minute(
    door: Suite, clock: object
) -> None:
    with capture_logs() as lines:
        for _ in range(5):
            await door.client(None, HOME).get("/healthz", headers={"x-forwarded-for": "192.0.2.1"})
            await door.client(None, "2001:db8::1").get("/healthz", headers={"x-real-ip": "192.0.2.1"})
            await door.client(None, "198.51.100.1").get("/healthz")
        clock.advance(seconds=61)  # type: ignore[attr-defined]
        await door.client(None, HOME).get("/healthz", headers={"forwarded": "for=192.0.2.1"})
    warned = [line["peer"] for line in lines if "QUANYU_TRUSTED_PROXIES" in line["event"]]
    assert warned == [HOME, "2001:db8::1", HOME]
