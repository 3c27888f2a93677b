"""Routes of runs: entries by API, runs with their steps, statistics."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query

from services.journey.run import RunState
from services.journey.runs.management import Runs
from services.journey.runs.schemas import EntryIn, RunView, RunWithSteps, StatisticsView
from shared.web import Caller, ExternalId, Page, PageParams, Provided, needs
from shared.web.chinese import chinese

router = APIRouter(prefix="/v1", tags=["journey runs"])
EntriesWrite = Annotated[Caller, Depends(needs("journey:entries:write"))]
RunsRead = Annotated[Caller, Depends(needs("journey:runs:read"))]
Manages = Annotated[Runs, Provided(Runs)]


@router.post(
    "/journeys/{journey_id}/entries",
    status_code=201,
    summary="Let a customer enter a journey",
    openapi_extra=chinese("让顾客进入旅程", "让顾客进入入口类型为 `api` 的旅程。"),
)
async def enter_journey(caller: EntriesWrite, journey_id: str, body: EntryIn, runs: Manages) -> RunWithSteps:
    """Let a customer enter a journey whose entry kind is `api` (进入)."""
    caller.require_customer(body.customer_id)
    return await runs.enter(caller, journey_id, body)


@router.get(
    "/journeys/{journey_id}/runs",
    summary="List the runs of a journey",
    openapi_extra=chinese("列出旅程的运行", "旅程的运行，新的在前。"),
)
async def list_runs(
    caller: RunsRead,
    journey_id: str,
    runs: Manages,
    paging: PageParams,
    customer_id: Annotated[ExternalId | None, Query()] = None,
    state: Annotated[RunState | None, Query()] = None,
) -> Page[RunView]:
    """Runs of a journey, newest first."""
    customer_id = customer_id or caller.customer_id
    if customer_id is not None:
        caller.require_customer(customer_id)
    return await runs.page(journey_id, paging, customer_id, state)


@router.get(
    "/journey-runs/{run_id}",
    summary="Read a run with its steps and effects",
    openapi_extra=chinese(
        "读取一次运行的步骤与动作", "一次运行：每一步及其原因代码，每个动作及其结果（最近 1,000 步）。"
    ),
)
async def get_run(caller: RunsRead, run_id: str, runs: Manages) -> RunWithSteps:
    """One run: every step with its reason code, every effect with its outcome (the newest 1,000 steps)."""
    run = await runs.read(caller, run_id)
    caller.require_customer(run.customer_id)
    return run


@router.get(
    "/journeys/{journey_id}/statistics",
    summary="Read the live counts of a journey",
    openapi_extra=chinese("读取旅程的实时统计", "实时统计：进入、各节点在途、结束、目标达成，以及每条连线。"),
)
async def journey_statistics(caller: RunsRead, journey_id: str, runs: Manages) -> StatisticsView:
    """Live counts: entered, in flight per node, ended, goals, and every edge."""
    return await runs.statistics(caller, journey_id)
