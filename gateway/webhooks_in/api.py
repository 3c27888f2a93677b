"""Webhooks from the world 回调接入."""

from datetime import timedelta
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import PlainTextResponse

from gateway.webhooks_in.accepting import Accepting
from gateway.webhooks_in.management import Sources
from gateway.webhooks_in.replaying import ReplayingReceived
from gateway.webhooks_in.schemas import (
    HookAnswer,
    NewSourceView,
    Outcome,
    ReceivedDetail,
    ReceivedView,
    SourceIn,
    SourcePatch,
    SourceReplayIn,
    SourceReplayView,
    SourceSecretRotation,
    SourceView,
    Trial,
    TrialView,
)
from gateway.webhooks_in.schemes import Answer, Posted
from shared.web import OPEN_QUERY, Caller, ExternalId, Page, PageParams, Provided, needs
from shared.web.chinese import chinese

router = APIRouter(prefix="/v1", tags=["webhooks in"])
SourcesRead = Annotated[Caller, Depends(needs("gateway:sources:read"))]
SourcesWrite = Annotated[Caller, Depends(needs("gateway:sources:write"))]
Managed = Annotated[Sources, Provided(Sources)]
Replays = Annotated[ReplayingReceived, Provided(ReplayingReceived)]
Accepts = Annotated[Accepting, Provided(Accepting)]

_ANY_BODY: dict[str, Any] = {"requestBody": {"required": True, "content": {"application/json": {"schema": {}}}}}
_ANYTHING = _ANY_BODY | OPEN_QUERY


@router.post(
    "/webhook-sources",
    status_code=201,
    summary="Create a webhook source",
    openapi_extra=chinese(
        "创建回调来源", "让合作方向专属的 URL 提交。密钥只在这次应答中出现；持有它的人可以结算订单。"
    ),
)
async def create_source(caller: SourcesWrite, body: SourceIn, sources: Managed, response: Response) -> NewSourceView:
    """Let a partner post to a URL of its own. The answer holds the secret, once; whoever has it can settle orders."""
    response.headers["cache-control"] = "no-store"
    return await sources.create(caller, body)


@router.get(
    "/webhook-sources", summary="List webhook sources", openapi_extra=chinese("列出回调来源", "来源，新的在前。")
)
async def list_sources(
    caller: SourcesRead,
    sources: Managed,
    paging: PageParams,
    status: Literal["active", "paused"] | None = None,
    scheme: Annotated[str | None, Query(max_length=40)] = None,
) -> Page[SourceView]:
    """Sources, newest first."""
    return await sources.page(caller, paging, status, scheme)


@router.get(
    "/webhook-sources/{source_id}",
    summary="Read a webhook source",
    openapi_extra=chinese("读取回调来源", "一个来源，不含密钥。"),
)
async def get_source(caller: SourcesRead, sources: Managed, source_id: str) -> SourceView:
    """One source, without its secret."""
    return await sources.read(caller, source_id)


@router.patch(
    "/webhook-sources/{source_id}",
    summary="Change a webhook source",
    openapi_extra=chinese("修改回调来源", "改名、更换映射；暂停或恢复。"),
)
async def change_source(caller: SourcesWrite, sources: Managed, source_id: str, body: SourcePatch) -> SourceView:
    """Rename, map otherwise; pause or resume."""
    return await sources.change(caller, source_id, body)


@router.delete(
    "/webhook-sources/{source_id}",
    status_code=204,
    summary="Remove a webhook source",
    openapi_extra=chinese("删除回调来源", "删除来源：从现在起拒绝提交到其 URL 的内容。"),
)
async def delete_source(caller: SourcesWrite, sources: Managed, source_id: str) -> None:
    """Remove a source: what is posted to its URL is refused from now on."""
    await sources.remove(caller, source_id)


@router.post(
    "/webhook-sources/{source_id}/rotate-secret",
    summary="Rotate a source's secret",
    openapi_extra=chinese("更换来源的密钥", "生成新密钥，或采用合作方的密钥。重叠期内旧密钥仍可验证投递。"),
)
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


@router.post(
    "/webhook-sources/{source_id}/test",
    summary="Try a mapping on a body",
    openapi_extra=chinese("用报文试验映射", "展示一个报文按来源的映射或另一映射会变成什么。不发布也不保存任何内容。"),
)
async def test_source(caller: SourcesRead, sources: Managed, source_id: str, body: Trial) -> TrialView:
    """Show what a body would become, by the source's mapping or by another. Nothing is published or stored."""
    return await sources.try_out(caller, source_id, body)


@router.get(
    "/webhook-sources/{source_id}/received",
    summary="List what came from a source",
    openapi_extra=chinese("列出来源收到的内容", "来源收到的内容及其结果，新的在前。"),
)
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


@router.post(
    "/webhook-sources/{source_id}/replay",
    summary="Decide a source's failures anew",
    openapi_extra=chinese(
        "重放来源的失败投递",
        "映射修好之后，把一段时间内未被采用的报文重新处理：读不懂的、被忽略的、暂停期间到达的，或全部。旧的在前；可重复调用。",
    ),
)
async def replay_source(
    caller: SourcesWrite, replaying: Replays, source_id: str, body: SourceReplayIn
) -> SourceReplayView:
    """After a mapping was mended: decide the messages of a time anew that were refused, ignored or met a pause.

    The oldest come first.
    """
    return await replaying.replay_window(caller, source_id, body)


@router.get(
    "/webhook-received/{received_id}",
    summary="Read what a delivery told",
    openapi_extra=chinese("读取一次投递的内容", "一次投递及其报文：已解密、个人信息已隐去；报文按设置保留数日。"),
)
async def get_received(caller: SourcesRead, replaying: Replays, received_id: str) -> ReceivedDetail:
    """One delivery and its body, opened, with everything about people hidden; bodies are kept for some days."""
    return await replaying.read(caller, received_id)


@router.post(
    "/webhook-received/{received_id}/replay",
    summary="Decide a delivery anew",
    openapi_extra=chinese("重放一次投递", "按来源现在的映射重新处理一条报文；已采用的会再次发布，效果仍只有一次。"),
)
async def replay_received(caller: SourcesWrite, replaying: Replays, received_id: str) -> ReceivedView:
    """By the mapping as it is now. What was accepted is told again, and has its effect once as ever."""
    return await replaying.replay(caller, received_id)


@router.post(
    "/hooks/{source_id}",
    status_code=202,
    response_model=HookAnswer,
    summary="Take a partner's delivery",
    openapi_extra=_ANYTHING
    | chinese(
        "接收合作方的投递",
        "合作方向这里提交。签名就是凭证；消息安全保存后才应答，应答形式随平台而定。凡是无法证明的，包括未知的来源，一律 401；"
        "映射读不懂的返回 422（平台则照常应答，报文留存可重放）；暂停期间返回 503。",
    ),
)
async def receive_hook(request: Request, accepting: Accepts, source_id: str) -> Any:
    """Where partners post. The signature is the key; the answer comes once the message is safe, in the platform's own form.

    401 for whatever is not proven, an unknown source included; 503 while paused. 422 for what its mapping can't read, but to a
    platform the usual answer: it would only repeat it.
    """
    delivery = _delivery(request, await request.body())
    answer = await accepting.accept(source_id, delivery, _address(request))
    return _sent(answer) if isinstance(answer, Answer) else answer


@router.get(
    "/hooks/{source_id}",
    response_class=PlainTextResponse,
    summary="Answer a platform that asks for this URL",
    openapi_extra=OPEN_QUERY
    | chinese("回应平台的 URL 校验", "微信与企业微信保存回调 URL 时发来 `echostr`；签名正确才回应，否则 401。"),
)
async def answer_echo(request: Request, accepting: Accepts, source_id: str) -> Response:
    """WeChat and WeCom send `echostr` when a URL is entered there. It is answered once its signature is right, else 401."""
    return _sent(await accepting.echo(source_id, _delivery(request, b""), _address(request)))


def _delivery(request: Request, body: bytes) -> Posted:
    headers: dict[str, str] = {}
    for name, value in request.headers.items():
        headers.setdefault(name, value)
    return Posted(headers, body, request.query_params.multi_items())


def _address(request: Request) -> str:
    return request.headers.get("x-forwarded-for", "")


def _sent(answer: Answer) -> Response:
    return Response(answer.body, answer.status, media_type=answer.media_type)
