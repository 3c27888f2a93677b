"""Webhooks from the world 回调接入."""

from datetime import timedelta
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Request, Response

from gateway.webhooks_in.accepting import Accepting
from gateway.webhooks_in.management import Sources
from gateway.webhooks_in.schemas import (
    HookAnswer,
    NewSourceView,
    Outcome,
    ReceivedView,
    SourceIn,
    SourcePatch,
    SourceSecretRotation,
    SourceView,
    Trial,
    TrialView,
)
from shared.web import OPEN_QUERY, Caller, ExternalId, Page, PageParams, Provided, needs

router = APIRouter(prefix="/v1", tags=["webhooks in"])
SourcesRead = Annotated[Caller, Depends(needs("gateway:sources:read"))]
SourcesWrite = Annotated[Caller, Depends(needs("gateway:sources:write"))]
Managed = Annotated[Sources, Provided(Sources)]
Accepts = Annotated[Accepting, Provided(Accepting)]

_ANY_BODY: dict[str, Any] = {"requestBody": {"required": True, "content": {"application/json": {"schema": {}}}}}
_ANYTHING = _ANY_BODY | OPEN_QUERY


@router.post("/webhook-sources", status_code=201, summary="Create a webhook source")
async def create_source(caller: SourcesWrite, body: SourceIn, sources: Managed, response: Response) -> NewSourceView:
    """Let a partner post to a URL of its own. The answer holds the secret, once; whoever has it can settle orders."""
    response.headers["cache-control"] = "no-store"
    return await sources.create(caller, body)


@router.get("/webhook-sources", summary="List webhook sources")
async def list_sources(
    caller: SourcesRead,
    sources: Managed,
    paging: PageParams,
    status: Literal["active", "paused"] | None = None,
    scheme: Annotated[str | None, Query(max_length=40)] = None,
) -> Page[SourceView]:
    """Sources, newest first."""
    return await sources.page(caller, paging, status, scheme)


@router.get("/webhook-sources/{source_id}", summary="Read a webhook source")
async def get_source(caller: SourcesRead, sources: Managed, source_id: str) -> SourceView:
    """One source, without its secret."""
    return await sources.read(caller, source_id)


@router.patch("/webhook-sources/{source_id}", summary="Change a webhook source")
async def change_source(caller: SourcesWrite, sources: Managed, source_id: str, body: SourcePatch) -> SourceView:
    """Rename, map otherwise; pause or resume."""
    return await sources.change(caller, source_id, body)


@router.delete("/webhook-sources/{source_id}", status_code=204, summary="Remove a webhook source")
async def delete_source(caller: SourcesWrite, sources: Managed, source_id: str) -> None:
    """Remove a source: what is posted to its URL is refused from now on."""
    await sources.remove(caller, source_id)


@router.post("/webhook-sources/{source_id}/rotate-secret", summary="Rotate a source's secret")
async def rotate_source_secret(
    caller: SourcesWrite,
    sources: Managed,
    source_id: str,
    response: Response,
    body: SourceSecretRotation | None = None,
) -> NewSourceView:
    """Make a new secret, or take the partner's. Until the overlap ends the old one proves deliveries as well."""
    response.headers["cache-control"] = "no-store"
    wanted = body or SourceSecretRotation()
    return await sources.rotate_secret(caller, source_id, timedelta(seconds=wanted.overlap_seconds), wanted.secret)


@router.post("/webhook-sources/{source_id}/test", summary="Try a mapping on a body")
async def test_source(caller: SourcesRead, sources: Managed, source_id: str, body: Trial) -> TrialView:
    """Show what a body would become, by the source's mapping or by another. Nothing is published or stored."""
    return await sources.try_out(caller, source_id, body)


@router.get("/webhook-sources/{source_id}/received", summary="List what came from a source")
async def list_received(
    caller: SourcesRead,
    sources: Managed,
    source_id: str,
    paging: PageParams,
    outcome: Outcome | None = None,
    order_id: Annotated[ExternalId | None, Query()] = None,
) -> Page[ReceivedView]:
    """What came from a source, and what became of it; newest first."""
    return await sources.received(caller, source_id, paging, outcome, order_id)


@router.post("/hooks/{source_id}", status_code=202, openapi_extra=_ANYTHING, summary="Take a partner's delivery")
async def receive_hook(request: Request, accepting: Accepts, source_id: str) -> HookAnswer:
    """Where partners post. The signature is the key; the answer comes once the message is safe.

    401 for whatever is not proven, an unknown source included; 422 for what its mapping can't read; 503 while paused.
    """
    headers: dict[str, str] = {}
    for name, value in request.headers.items():
        headers.setdefault(name, value)
    return await accepting.accept(source_id, headers, await request.body(), headers.get("x-forwarded-for", ""))
