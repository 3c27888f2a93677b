"""Bulk issue 批量发券: lists, files and segments; progress, cancelling, results; nothing half done."""

import asyncio
import csv
import io
from collections.abc import AsyncIterator
from datetime import datetime

import httpx
import pytest
from api.coupon.mall import Json, Mall
from sqlalchemy import insert, select

from services.coupon.audience.models import SegmentMember
from services.coupon.wallet import worker
from services.coupon.wallet.models import IssueJob
from shared.clock import ManualClock


async def upload(mall: Mall, template_id: str, content: bytes | AsyncIterator[bytes]) -> httpx.Response:
    path = f"/v1/coupon-templates/{template_id}/issues?reason=%E5%8F%8C%E5%8D%81%E4%B8%80"
    return await mall.http.post(path, content=content, headers={"content-type": "text/csv; charset=utf-8"})


async def jobs(mall: Mall) -> list[Json]:
    found: list[Json] = (await mall.http.get("/v1/coupon-jobs")).json()["data"]
    return found


async def test_a_file_is_issued_to_and_its_results_open_in_a_spreadsheet(mall: Mall) -> None:
    template_id = await mall.template(limits={"total": 45, "per_customer": 1})
    data = "姓名,客户编号\r\n" + "".join(f"客户,客{number % 48}\r\n" for number in range(50))
    accepted = await upload(mall, template_id, data.encode("gb18030"))
    assert (accepted.status_code, accepted.json()["total"], accepted.json()["reason"]) == (202, 50, "双十一")
    done = await mall.finished(accepted.json()["id"])
    assert (done["issued"], done["refused"], done["percent"], done["eta_seconds"]) == (45, 5, 100, None)
    assert done["refused_by"] == {"sold_out": 3, "claim_limit_reached": 2}
    answer = await mall.http.get(f"/v1/coupon-jobs/{done['id']}/results.csv")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.content.startswith(b"\xef\xbb\xbf")
    rows = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert [row["customer_id"] for row in rows] == [f"客{number % 48}" for number in range(50)]
    assert (rows[0]["outcome"], rows[0]["coupon_id"][:4], rows[0]["reason"]) == ("issued", "cpn_", "")
    assert (rows[-1]["outcome"], rows[-1]["code"], rows[-1]["reason"]) == (
        "refused",
        "claim_limit_reached",
        "您已达到领取上限",
    )
    assert (await mall.http.get("/v1/coupon-jobs/job_x/results.csv")).status_code == 404
    assert await mall.audit() == {}


async def test_rows_whose_ids_can_be_none_are_told_and_the_others_get_their_coupons(mall: Mall) -> None:
    template_id = await mall.template()
    told = await upload(mall, template_id, "客户编号\nc1\nc2\u200b\n c3\u3000\n\x00\n".encode())
    done = await mall.finished(told.json()["id"])
    assert (done["total"], done["issued"], done["refused_by"]) == (4, 2, {"unclear_id": 2})
    results = (await mall.http.get(f"/v1/coupon-jobs/{done['id']}/results")).json()["data"]
    assert [(one["customer_id"], one["code"]) for one in results] == [
        ("c1", None),
        ("c2<U+200B>", "unclear_id"),
        ("c3", None),
        ("<U+0000>", "unclear_id"),
    ]
    none = await mall.finished((await upload(mall, template_id, "c\u00a01\n".encode())).json()["id"])
    assert (none["status"], none["refused"]) == ("done", 1)
    assert await mall.audit() == {}


async def test_a_reason_in_the_query_is_for_files(mall: Mall) -> None:
    path = f"/v1/coupon-templates/{await mall.template()}/issues?reason=x"
    answer = await mall.http.post(path, json={"customer_ids": ["c1"], "reason": "y"})
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "?reason")


async def test_a_file_that_breaks_off_or_cannot_be_read_issues_nothing(mall: Mall, clock: ManualClock) -> None:
    template_id = await mall.template()

    async def breaks() -> AsyncIterator[bytes]:
        for number in range(3000):
            yield b"c%d\n" % number
        raise ConnectionError("the line went dead")

    with_fault = await upload(mall, template_id, b"c1\nc2\n\xff\xff\xff\n")
    assert (with_fault.status_code, with_fault.json()["code"]) == (422, "unreadable_list")
    assert with_fault.json()["detail"].startswith("Line 3: ")
    assert (await upload(mall, template_id, b"customer_id\n\n")).json()["code"] == "empty_list"
    await asyncio.gather(upload(mall, template_id, breaks()), return_exceptions=True)
    path, headers = f"/v1/coupon-templates/{template_id}/issues", {"content-type": "text/csv"}
    nameless = await mall.http.post(path, content=b"c1", headers=headers)
    assert nameless.json()["errors"][0]["pointer"] == "?reason"
    await mall.running.tick()
    assert {job["status"] for job in await jobs(mall)} == {"cancelled"}
    assert {job["note"] for job in await jobs(mall)} >= {"the upload broke off"}
    assert (await mall.seen(template_id))["issued"] == 0
    # A process that was killed while a list came in told nobody: after a while another one gives the job up.
    async with mall.running.service.kit.db.write() as tx:
        row = dict((await tx.execute(select(IssueJob.table).limit(1))).one()._mapping)
        await tx.execute(
            insert(IssueJob.table), {**row, "id": "job_lost", "status": "receiving", "updated_at": clock.now()}
        )
    await mall.running.tick()
    assert (await mall.http.get("/v1/coupon-jobs/job_lost")).json()["status"] == "receiving"
    clock.advance(seconds=600)
    await mall.running.tick()
    assert (await mall.http.get("/v1/coupon-jobs/job_lost")).json()["status"] == "cancelled"


async def members(mall: Mall, segment_id: str, number: int) -> None:
    at = datetime.fromisoformat("2026-11-11T01:00:00Z")
    rows = [
        {"segment_id": segment_id, "customer_id": f"c{one:04}", "member": one % 10 != 9, "changed_at": at}
        for one in range(number)
    ]
    async with mall.running.service.kit.db.write() as tx:
        await tx.execute(insert(SegmentMember.table), rows)


async def test_a_segment_is_listed_and_served(mall: Mall, monkeypatch: pytest.MonkeyPatch) -> None:
    await members(mall, "seg_1", 70)
    template_id = await mall.template(limits={"total": 60})
    path = f"/v1/coupon-templates/{template_id}/issues"
    monkeypatch.setattr(worker, "_LIST_CHUNK", 25)
    accepted = await mall.http.post(path, json={"segment_id": "seg_1", "reason": "会员日"})
    assert (accepted.status_code, accepted.json()["status"], accepted.json()["total"]) == (202, "listing", 0)
    done = await mall.finished(accepted.json()["id"])
    assert (done["segment_id"], done["total"], done["issued"], done["refused"]) == ("seg_1", 63, 60, 3)
    results = (await mall.http.get(f"/v1/coupon-jobs/{done['id']}/results?limit=100")).json()["data"]
    assert [one["position"] for one in results] == list(range(63))
    assert [one["customer_id"] for one in results] == [f"c{one:04}" for one in range(70) if one % 10 != 9]
    assert (await mall.http.post(path, json={"segment_id": "seg_none", "reason": "x"})).status_code == 422
    assert await mall.audit() == {}


async def test_a_job_is_cancelled_between_chunks(mall: Mall) -> None:
    template_id = await mall.template()
    body = {"customer_ids": [f"c{number}" for number in range(300)], "reason": "x"}
    accepted = (await mall.http.post(f"/v1/coupon-templates/{template_id}/issues", json=body)).json()
    path = f"/v1/coupon-jobs/{accepted['id']}"
    stopped = (await mall.http.post(f"{path}/cancel")).json()
    assert (stopped["status"], stopped["note"]) == ("cancelled", "cancelled by key:key_test")
    await mall.running.tick()
    again = (await mall.http.post(f"{path}/cancel")).json()
    assert (again["issued"], again["refused"]) == (stopped["issued"], stopped["refused"])
    assert (await mall.seen(template_id))["issued"] == stopped["issued"] < 300
    waiting = (await mall.http.get(f"{path}/results?limit=100")).json()["data"]
    assert {one["outcome"] for one in waiting} <= {"issued", "waiting"}
    body = {"customer_ids": ["a"], "reason": "x"}
    short = (await mall.http.post(f"/v1/coupon-templates/{template_id}/issues", json=body)).json()
    await mall.finished(short["id"])
    late = await mall.http.post(f"/v1/coupon-jobs/{short['id']}/cancel")
    assert (late.status_code, late.json()["code"]) == (409, "job_done")
    assert (await mall.http.post("/v1/coupon-jobs/job_x/cancel")).status_code == 404


async def test_jobs_go_on_side_by_side(mall: Mall, clock: ManualClock) -> None:
    """A small job does not wait for the end of a large one."""
    template_id = await mall.template()
    path = f"/v1/coupon-templates/{template_id}/issues"
    large = {"customer_ids": [f"c{number}" for number in range(2000)], "reason": "large"}
    small = {"customer_ids": ["s1"], "reason": "small"}
    first = (await mall.http.post(path, json=large)).json()["id"]
    second = (await mall.http.post(path, json=small)).json()["id"]
    for _ in range(400):
        clock.advance(seconds=1)
        await asyncio.sleep(0.02)
        if (await mall.http.get(f"/v1/coupon-jobs/{second}")).json()["status"] == "done":
            break
    assert (await mall.http.get(f"/v1/coupon-jobs/{first}")).json()["status"] == "running"


async def test_only_the_merchant_issues(mall: Mall) -> None:
    template_id = await mall.template()
    shopper = mall.running.client(customer_id="c1")
    path = f"/v1/coupon-templates/{template_id}/issues"
    for answer in (
        await shopper.post(path, json={"customer_ids": ["c1"], "reason": "x"}),
        await shopper.get("/v1/coupon-jobs"),
    ):
        assert (answer.status_code, answer.json()["code"]) == (403, "merchant_only")
