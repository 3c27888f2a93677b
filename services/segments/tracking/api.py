"""Routes of tracking: hot ones for what the SDKs send, an ordinary one for the dead letters."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel

from services.segments.tracking.collector import Collector
from services.segments.tracking.queries import DeadLetters
from services.segments.tracking.schemas import (
    Accepted,
    AliasCall,
    BatchCall,
    GroupCall,
    IdentifyCall,
    RejectView,
    TrackCall,
    ViewCall,
)
from shared.web import Caller, ExternalId, HotRequest, HotRoute, Page, PageParams, Provided, merchant_needs
from shared.web.chinese import chinese

WRITE = "segments:events:write"
CALLS: tuple[tuple[str, type[BaseModel], str, str], ...] = (
    ("identify", IdentifyCall, "Say who somebody is", "某人是谁"),
    ("track", TrackCall, "Say what somebody did", "某人做了什么"),
    ("page", ViewCall, "Say which page somebody saw", "某人看了哪个页面"),
    ("screen", ViewCall, "Say which screen somebody saw", "某人看了哪个屏幕"),
    ("group", GroupCall, "Say which group somebody belongs to", "某人属于哪个群组"),
    ("alias", AliasCall, "Say that an anonymous id is a user", "匿名 id 属于某位用户"),
)
"""Each also has a short path, its first letter."""
_BATCH = ("batch", BatchCall, "Send many calls at once", "一次提交多个调用")

router = APIRouter(prefix="/v1", tags=["tracking"])
RejectsRead = Annotated[Caller, Depends(merchant_needs("segments:events:read"))]
Letters = Annotated[DeadLetters, Provided(DeadLetters)]


def hot_routes(collector: Collector) -> list[HotRoute]:
    """The tracking calls under their long names and the short ones of the browser SDK."""
    singles = [_route(short, call, _single(collector, call[0])) for call in CALLS for short in (False, True)]
    return [*singles, *(_route(short, _BATCH, collector.batch) for short in (False, True))]


def _single(collector: Collector, kind: str) -> Callable[[HotRequest[Any]], Awaitable[bytes]]:
    async def collect(request: HotRequest[Any]) -> bytes:
        return await collector.single(request, kind)

    return collect


def _route(
    short: bool, call: tuple[str, type[BaseModel], str, str], endpoint: Callable[[HotRequest[Any]], Awaitable[bytes]]
) -> HotRoute:
    kind, body, summary, in_chinese = call
    text, text_in_chinese = (
        (f"The same as `/v1/{kind}`, by the short name of the browser SDK.", f"同 `/v1/{kind}`，浏览器 SDK 用的短名。")
        if short
        else (
            "A call of the Segment tracking API, as its SDKs send it. Always 200 for an SDK; what can't be taken is at "
            "`/v1/tracking-rejects`.",
            "Segment 跟踪 API 的调用，与其 SDK 发送的一致。对 SDK 总是返回 200；无法接受的见 `/v1/tracking-rejects`。",
        )
    )
    return HotRoute(
        "POST",
        f"/v1/{kind[0] if short else kind}",
        WRITE,
        endpoint,
        summary,
        body,
        Accepted,
        parse=False,
        tags=("tracking",),
        description=text,
        operation_id=f"{kind}_short" if short else kind,
        openapi_extra=chinese(in_chinese, text_in_chinese),
    )


@router.get(
    "/tracking-rejects",
    summary="List dead letters",
    openapi_extra=chinese("列出死信", "批量提交中无法接受的内容，新的在前，附原因。"),
)
async def list_rejects(
    _: RejectsRead,
    letters: Letters,
    page: PageParams,
    code: Annotated[str | None, Query(max_length=40)] = None,
    message_id: Annotated[ExternalId | None, Query(max_length=100)] = None,
) -> Page[RejectView]:
    """Items of batches that could not be accepted 死信, newest first, with the reason."""
    return await letters.page(page, code, message_id)
