"""The command line against a running suite, as a merchant's engineer uses it."""

import asyncio
import re
import sys
from collections.abc import Awaitable, Callable

import pytest
from scenarios.arrangements import RunningSuite
from scenarios.conftest import StartSuite

from shared.private_files import open_to_others
from suite.client import Client, Problem

pytestmark = pytest.mark.slow
Quanyu = Callable[..., Awaitable[tuple[int, str]]]


def command_line(suite: RunningSuite, **environment: str) -> Quanyu:
    """`code, printed = await quanyu("keys", "list")`, pointed at the suite by its environment."""

    async def call(*arguments: str) -> tuple[int, str]:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "suite", *arguments,
            env={**suite.environment, "QUANYU_URL": suite.url, "COLUMNS": "160", **environment}, cwd=suite.data_dir.parent,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        )  # fmt: skip
        printed = (await process.communicate())[0].decode()
        assert "Traceback" not in printed, printed
        return int(process.returncode or 0), printed

    return call


@pytest.mark.parametrize("kind", ["embedded"])
async def test_a_day_at_the_command_line(start_suite: StartSuite, kind: str) -> None:
    async with start_suite(kind) as suite:
        quanyu = command_line(suite)
        data = [suite.data_dir, *suite.data_dir.iterdir()]
        assert len(data) > 10
        assert [path for path in data if open_to_others(path)] == []
        await keys_are_made_rotated_and_ended(suite, quanyu)
        code, printed = await quanyu("tour")
        assert (code, "The story is complete" in printed) == (0, True), printed
        await nothing_can_be_claimed(suite)
        code, printed = await quanyu("doctor")
        assert (code, "every part is ready" in printed, "fail" in printed.replace("none fails", "")) == (
            0,
            True,
            False,
        ), printed
        code, printed = await quanyu("parked", "replay", "journey.events", "evt_none")
        assert (code, "has no parked message evt_none" in printed) == (1, True), printed
        await suite.processes.kill("suite")
        code, printed = await quanyu("doctor")
        assert (code, "No suite answers at" in printed) == (1, True), printed


async def nothing_can_be_claimed(suite: RunningSuite) -> None:
    """After the tour: neither from a template, nor by a code or a share; and nothing of it is still at work."""
    async with suite.client() as client:
        templates = await client.all("/v1/coupon-templates")
        assert {one["status"] for one in templates} == {"ended"}
        for one in templates:
            await refused(client, f"/v1/coupon-templates/{one['id']}/claims", {"customer_id": "late"})
        (batch,) = await client.all("/v1/code-batches")
        (public,) = await client.all("/v1/public-codes")
        unused = (await client.get(f"/v1/code-batches/{batch['id']}/codes?limit=5"))["data"]
        assert unused
        for code in [public["code"], *(one["code"] for one in unused)]:
            await refused(client, "/v1/codes/redeem", {"code": code, "customer_id": "late"})
        (offer,) = await client.all("/v1/share-offers")
        await refused(client, f"/v1/share-offers/{offer['id']}/shares", {"customer_id": "late"})
        (draw,) = await client.all("/v1/draws")
        await refused(client, f"/v1/draws/{draw['id']}/tickets", {"customer_id": "late"})
        assert {one["status"] for one in await client.all("/v1/promotions")} == {"ended"}
        assert (await client.all("/v1/webhook-sources"), await client.all("/v1/webhook-endpoints")) == ([], [])


async def refused(client: Client, path: str, body: dict[str, str]) -> None:
    with pytest.raises(Problem) as problem:
        await client.post(path, body)
    assert problem.value.status in (404, 409, 410, 422), (path, problem.value.status)


async def keys_are_made_rotated_and_ended(suite: RunningSuite, quanyu: Quanyu) -> None:
    code, printed = await quanyu("keys", "create", "reporting", "--scope", "coupon:*:read")
    assert code == 0, printed
    key_id, key = re.findall(r"key_\w+|qy_\w+", printed)
    as_reporting = command_line(suite, QUANYU_ADMIN_KEY=key)
    code, printed = await as_reporting("keys", "list")
    assert (code, "gateway:keys:read" in printed) == (1, True), printed

    code, printed = await quanyu("keys", "rotate", key_id, "--overlap", "0")
    assert code == 0, printed
    code, printed = await as_reporting("keys", "list")
    assert (code, "does not know this key" in printed) == (1, True), printed

    successor = re.findall(r"key_\w+", (await quanyu("keys", "list"))[1])
    for one in {*successor} - {"key_admin", key_id}:
        assert (await quanyu("keys", "revoke", one))[0] == 0
    code, printed = await quanyu("keys", "create", "wrong", "--scope", "everything")
    assert (code, "scopes" in printed) == (1, True), printed
