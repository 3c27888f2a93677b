"""Attacks 11 and 13: every operation that is not public, with no key, a wrong one, or past the gateway. None lets anybody in."""

import asyncio
import re
from collections.abc import Callable
from datetime import timedelta

import httpx
import pytest
from attacks.conftest import SERVICES
from conftest import RunService
from kit.gateway import Suite

from gateway.keys.management import new_key
from gateway.routes import PUBLIC, ROUTES, Route
from services.journey.app import create_service as journey
from services.journey.settings import JourneySettings
from shared.clock import ManualClock

pytestmark = pytest.mark.parametrize("backend", ["sqlite"], indirect=True)  # refused before any row decides

GUARDED = [route for route in ROUTES if route.scope != PUBLIC]
PARTS = {**SERVICES, "journey": (journey, JourneySettings)}


def path(route: Route) -> str:
    return re.sub(r"{\w+}", "x", route.template)


async def call(door: Suite, key: str | None, seen: Callable[[Route, httpx.Response], None]) -> None:
    """Every operation with this key, each from an address of its own: no limit on failures speaks before the key does."""
    for number, route in enumerate(GUARDED):
        client = door.client(key, f"198.51.{number // 250}.{number % 250 + 1}")
        seen(route, await client.request(route.method, path(route), json={}))


async def test_attack_13_no_operation_answers_who_has_no_good_key(door: Suite, clock: ManualClock) -> None:
    admin, wanted = door.client(), {"name": "x", "kind": "restricted", "scopes": ["coupon:codes:read"]}
    soon = (clock.now() + timedelta(seconds=1)).isoformat()
    expired = (await admin.post("/v1/keys", json={**wanted, "expires_at": soon})).json()
    clock.advance(seconds=2)
    revoked = (await admin.post("/v1/keys", json=wanted)).json()
    assert (await admin.delete(f"/v1/keys/{revoked['id']}")).status_code == 204
    other_environment = new_key("secret").replace("_live_", "_test_")
    bad = [None, "", "qy_live_sk_short", new_key("secret"), other_environment, expired["key"], revoked["key"]]

    def refused(route: Route, answer: httpx.Response) -> None:
        assert answer.status_code == 401, (route, answer.text)
        assert answer.json()["code"] in ("key_missing", "key_invalid")
        assert "www-authenticate" in answer.headers

    await asyncio.gather(*(call(door, key, refused) for key in bad))  # at once: they share their looks at what changed


@pytest.mark.parametrize("kind", ["restricted", "partner", "publishable"])
async def test_attack_13_no_operation_answers_a_key_without_its_scope(door: Suite, kind: str) -> None:
    key = await door.key(kind=kind, scopes=["inventory:availability:read"])

    def forbidden(route: Route, answer: httpx.Response) -> None:
        if route.scope != "inventory:availability:read":
            assert (answer.status_code, answer.json()["code"]) == (403, "scope_missing"), (route, answer.text)
            assert answer.json()["scope"] == route.scope

    await call(door, key, forbidden)


@pytest.mark.parametrize("part", PARTS)
async def test_attack_11_no_part_answers_past_the_gateway(run_service: RunService, part: str) -> None:
    running = await run_service(*PARTS[part])
    stranger = running.stranger()
    forged = {"x-quanyu-key-id": "key_admin", "x-quanyu-scopes": "*", "x-quanyu-owner-id": "own_merchant"}
    for route in (route for route in GUARDED if route.service == part):
        for headers in ({}, {**forged, "x-quanyu-assertion": "v1,1,AAAA"}):
            answer = await stranger.request(route.method, path(route), json={}, headers=headers)
            assert (answer.status_code, answer.json()["code"]) == (401, "identity_missing"), (route, answer.text)
