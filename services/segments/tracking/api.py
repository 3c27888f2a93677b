"""Routes of tracking: hot ones for what the SDKs send, an ordinary one for the dead letters."""

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

WRITE = "segments:events:write"
CALLS: tuple[tuple[str, str, type[BaseModel], str], ...] = (
    ("identify", "i", IdentifyCall, "Say who somebody is"),
    ("track", "t", TrackCall, "Say what somebody did"),
    ("page", "p", ViewCall, "Say which page somebody saw"),
    ("screen", "s", ViewCall, "Say which screen somebody saw"),
    ("group", "g", GroupCall, "Say which group somebody belongs to"),
    ("alias", "a", AliasCall, "Say that an anonymous id is a user"),
)

router = APIRouter(prefix="/v1", tags=["tracking"])
RejectsRead = Annotated[Caller, Depends(merchant_needs("segments:events:read"))]
Letters = Annotated[DeadLetters, Provided(DeadLetters)]


def hot_routes(collector: Collector) -> list[HotRoute]:
    """The tracking calls under their long names and the short ones of the browser SDK."""
    singles = [
        _route(path, kind, body, summary, collector) for kind, short, body, summary in CALLS for path in (kind, short)
    ]
    return [*singles, _batch_route("batch", collector), _batch_route("b", collector)]


def _batch_route(path: str, collector: Collector) -> HotRoute:
    summary = "Send many calls at once"
    return HotRoute(
        "POST", f"/v1/{path}", WRITE, collector.batch, summary, BatchCall, Accepted, parse=False, tags=("tracking",)
    )


def _route(path: str, kind: str, body: type[BaseModel], summary: str, collector: Collector) -> HotRoute:
    async def collect(request: HotRequest[Any]) -> bytes:
        return await collector.single(request, kind)

    collect.__name__ = kind
    return HotRoute("POST", f"/v1/{path}", WRITE, collect, summary, body, Accepted, parse=False, tags=("tracking",))


@router.get("/tracking-rejects", summary="List dead letters")
async def list_rejects(
    _: RejectsRead,
    letters: Letters,
    page: PageParams,
    code: Annotated[str | None, Query(max_length=40)] = None,
    message_id: Annotated[ExternalId | None, Query(max_length=100)] = None,
) -> Page[RejectView]:
    """Items of batches that could not be accepted 死信, newest first, with the reason."""
    return await letters.page(page, code, message_id)
