"""Routes of journeys."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query

from services.journey.definition.management import Journeys
from services.journey.definition.publishing import Publishing
from services.journey.definition.schemas import JourneyIn, JourneyRow, JourneyView, Status
from shared.web import Caller, Name, Page, PageParams, Provided, needs
from shared.web.chinese import chinese

router = APIRouter(prefix="/v1/journeys", tags=["journeys"])
JourneysRead = Annotated[Caller, Depends(needs("journey:journeys:read"))]
JourneysWrite = Annotated[Caller, Depends(needs("journey:journeys:write"))]
Manages = Annotated[Journeys, Provided(Journeys)]
Publishes = Annotated[Publishing, Provided(Publishing)]


@router.post(
    "",
    status_code=201,
    summary="Create a journey",
    openapi_extra=chinese("创建旅程", "画一个旅程：草稿，版本为 1。发布时还会被拒绝的问题列在 `problems` 中。"),
)
async def create_journey(caller: JourneysWrite, body: JourneyIn, journeys: Manages) -> JourneyView:
    """Draw a journey (旅程): a draft with version 1. What publishing would still refuse is listed in `problems`."""
    return await journeys.create(caller, body)


@router.get("", summary="List journeys", openapi_extra=chinese("列出旅程", "旅程，新的在前。"))
async def list_journeys(
    caller: JourneysRead,
    journeys: Manages,
    paging: PageParams,
    status: Annotated[Status | None, Query()] = None,
    name: Annotated[Name | None, Query()] = None,
    entry_kind: Annotated[str | None, Query(max_length=20, description="Of the live version")] = None,
) -> Page[JourneyRow]:
    """Journeys, newest first."""
    return await journeys.page(paging, status, name, entry_kind)


@router.get("/{journey_id}", summary="Read a journey", openapi_extra=chinese("读取旅程", "旅程的最新版本。"))
async def get_journey(caller: JourneysRead, journey_id: str, journeys: Manages) -> JourneyView:
    """One journey in its newest version."""
    return await journeys.read(caller, journey_id)


@router.put(
    "/{journey_id}",
    summary="Change a journey: a new version",
    openapi_extra=chinese("修改旅程：新版本", "重新画一遍：成为新版本，发布后生效。"),
)
async def redraw_journey(caller: JourneysWrite, journey_id: str, body: JourneyIn, journeys: Manages) -> JourneyView:
    """Draw it anew: a new version, which takes effect when it is published."""
    return await journeys.change(caller, journey_id, body)


@router.post(
    "/{journey_id}/publish",
    summary="Publish a journey's newest version",
    openapi_extra=chinese("发布旅程的最新版本", "整体检查，指出每个问题。进行中的运行按原版本走完。"),
)
async def publish_journey(caller: JourneysWrite, journey_id: str, publishing: Publishes) -> JourneyView:
    """Publish the newest version (发布): checked whole, every problem named. Runs in flight finish on their version."""
    return await publishing.publish(caller, journey_id)


@router.post(
    "/{journey_id}/pause",
    summary="Pause a journey",
    openapi_extra=chinese("暂停旅程", "无人进入，无人前进；退出和目标仍然计入。"),
)
async def pause_journey(caller: JourneysWrite, journey_id: str, publishing: Publishes) -> JourneyView:
    """Pause (暂停): nobody enters, nobody advances; exits and goals still count."""
    return await publishing.pause(caller, journey_id)


@router.post(
    "/{journey_id}/resume", summary="Resume a journey", openapi_extra=chinese("恢复旅程", "暂停期间到期的现在执行。")
)
async def resume_journey(caller: JourneysWrite, journey_id: str, publishing: Publishes) -> JourneyView:
    """Resume (恢复): what came due during the pause happens now."""
    return await publishing.resume(caller, journey_id)


@router.post(
    "/{journey_id}/stop",
    summary="Stop a journey for ever",
    openapi_extra=chinese("永久停止旅程", "进行中的运行全部退出。"),
)
async def stop_journey(caller: JourneysWrite, journey_id: str, publishing: Publishes) -> JourneyView:
    """Stop for ever (停止): runs in flight exit."""
    return await publishing.stop(caller, journey_id)
