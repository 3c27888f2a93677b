"""Bulk issue 批量发券 in a real suite whose process is killed in the middle: it goes on exactly."""

import asyncio
from collections import Counter
from typing import Any

import httpx
import pytest
from scenarios.arrangements import RunningSuite
from scenarios.conftest import StartSuite

from suite.processes import WHOLE

pytestmark = pytest.mark.slow

CUSTOMERS = 3_000
TOTAL = 2_700


async def upload(suite: RunningSuite, template_id: str, data: bytes) -> str:
    headers = {"Authorization": f"Bearer {suite.key}", "Content-Type": "text/csv"}
    async with httpx.AsyncClient(base_url=suite.url, headers=headers, timeout=60) as http:
        answer = await http.post(f"/v1/coupon-templates/{template_id}/issues?reason=kill", content=data)
    assert answer.status_code == 202, answer.text
    return str(answer.json()["id"])


async def reaches(suite: RunningSuite, job_id: str, served: int) -> dict[str, Any]:
    """The job once that many are served, asked of whoever answers by then."""
    async with suite.client(stubborn=True) as client:
        for _ in range(2_000):
            job: dict[str, Any] = await client.call("GET", f"/v1/coupon-jobs/{job_id}")
            if job["issued"] + job["refused"] >= served:
                return job
            await asyncio.sleep(0.05)
    raise AssertionError(f"the job stands still: {job}")


async def results(suite: RunningSuite, job_id: str) -> list[dict[str, Any]]:
    found, cursor = list[dict[str, Any]](), ""
    async with suite.client() as client:
        while True:
            page = await client.call("GET", f"/v1/coupon-jobs/{job_id}/results?limit=100{cursor}")
            found += page["data"]
            if not page["has_more"]:
                return found
            cursor = f"&cursor={page['next_cursor']}"


@pytest.mark.parametrize("kind", ["embedded", "one_process"])
async def test_a_killed_job_goes_on_exactly(start_suite: StartSuite, kind: str) -> None:
    async with start_suite(kind) as suite:
        body = {
            "name": "会员日",
            "benefit": {"kind": "amount_off", "amount": 1000},
            "limits": {"total": TOTAL, "per_customer": 1, "budget": TOTAL * 1000},
        }
        async with suite.client() as client:
            template_id = (await client.call("POST", "/v1/coupon-templates", body))["id"]
        data = "客户编号\n" + "".join(f"c{number}\n" for number in range(CUSTOMERS))
        job_id = await upload(suite, template_id, data.encode("gb18030"))
        for served in (1, CUSTOMERS // 3, 2 * CUSTOMERS // 3):
            before = await reaches(suite, job_id, served)
            await suite.kill_and_restart(WHOLE)
            after = await reaches(suite, job_id, 0)
            assert after["issued"] >= before["issued"]
        done = await reaches(suite, job_id, CUSTOMERS)
        assert (done["status"], done["issued"], done["refused_by"]) == ("done", TOTAL, {"sold_out": CUSTOMERS - TOTAL})
        told = await results(suite, job_id)
        assert [one["customer_id"] for one in told] == [f"c{number}" for number in range(CUSTOMERS)]
        assert Counter(one["outcome"] for one in told) == {"issued": TOTAL, "refused": CUSTOMERS - TOTAL}
        assert len({one["coupon_id"] for one in told if one["coupon_id"]}) == TOTAL
        async with suite.client() as client:
            seen = await client.call("GET", f"/v1/coupon-templates/{template_id}")
            assert (seen["issued"], seen["remaining"], seen["budget_spent"]) == (TOTAL, 0, TOTAL * 1000)
            audit = await client.call("GET", "/v1/audit/coupons")
        assert audit["ok"], [check for check in audit["checks"] if not check["ok"]]


async def test_an_upload_whose_process_is_killed_issues_nothing(start_suite: StartSuite) -> None:
    async with start_suite("embedded") as suite:
        body = {"name": "会员日", "benefit": {"kind": "amount_off", "amount": 1000}}
        async with suite.client() as client:
            template_id = (await client.call("POST", "/v1/coupon-templates", body))["id"]
        arrived, killed = asyncio.Event(), asyncio.Event()

        async def slowly() -> Any:
            for number in range(0, 200_000, 1_000):  # more than the gateway gathers before it lets a call through
                yield b"".join(b"c%d\n" % one for one in range(number, number + 1_000))
            arrived.set()
            await killed.wait()

        headers = {"Authorization": f"Bearer {suite.key}", "Content-Type": "text/csv"}
        async with httpx.AsyncClient(base_url=suite.url, headers=headers, timeout=60) as http:
            path = f"/v1/coupon-templates/{template_id}/issues?reason=kill"
            sending = asyncio.create_task(http.post(path, content=slowly()))
            await arrived.wait()
            await asyncio.sleep(0.5)
            await suite.kill_and_restart(WHOLE)
            killed.set()
            with pytest.raises(httpx.HTTPError):
                await sending
        async with suite.client(stubborn=True) as client:
            (job,) = (await client.call("GET", "/v1/coupon-jobs"))["data"]
            seen = await client.call("GET", f"/v1/coupon-templates/{template_id}")
        assert (job["status"], job["issued"], seen["issued"]) == ("receiving", 0, 0)
